import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MoveHold, RENEW_MS, STILL, velocityAt, velocityOf, type Velocity } from './hold';

const LEFT: Velocity = { pan: -1, tilt: 0, zoom: 0 };
const UP: Velocity = { pan: 0, tilt: 1, zoom: 0 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function recorder(): { sent: Velocity[]; answer: (() => void)[]; hold: MoveHold } {
  const sent: Velocity[] = [];
  const answer: (() => void)[] = [];
  const hold = new MoveHold(
    (velocity) => {
      sent.push(velocity);
      return new Promise((resolve) => answer.push(resolve));
    },
    () => Date.now(),
  );
  return { sent, answer, hold };
}

test('what is held is said at once, again, and stopped once', async () => {
  const { sent, answer, hold } = recorder();
  hold.want(LEFT);
  expect(sent).toEqual([LEFT]);
  answer.shift()!();
  await vi.advanceTimersByTimeAsync(RENEW_MS);
  expect(sent).toEqual([LEFT, LEFT]);
  answer.shift()!();
  await vi.advanceTimersByTimeAsync(10);
  hold.stop();
  hold.stop();
  answer.shift()!();
  await vi.advanceTimersByTimeAsync(5 * RENEW_MS);
  expect(sent).toEqual([LEFT, LEFT, STILL]);
});

test('while a request is under way only the latest waits, and a stop is never left out', async () => {
  const { sent, answer, hold } = recorder();
  hold.want(LEFT);
  hold.want(UP);
  hold.want(LEFT);
  hold.want(UP);
  expect(sent).toEqual([LEFT]);
  answer.shift()!();
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toEqual([LEFT, UP]);
  hold.stop();
  answer.shift()!();
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toEqual([LEFT, UP, STILL]);
});

test('after a refusal nothing more is asked for', async () => {
  let asked = 0;
  const hold = new MoveHold(
    () => {
      asked += 1;
      return Promise.reject(new Error('taken'));
    },
    () => Date.now(),
  );
  hold.want(LEFT);
  await vi.advanceTimersByTimeAsync(5 * RENEW_MS);
  expect(asked).toBe(1);
});

test('where a pointer is, and which keys are held', () => {
  expect(velocityAt(0.1, 0)).toEqual(STILL);
  expect(velocityAt(1, 0)).toEqual({ pan: 1, tilt: -0, zoom: 0 });
  expect(velocityAt(0, -3).tilt).toBe(1);
  const slanted = velocityAt(0.5, 0.5);
  expect(slanted.pan).toBeGreaterThan(0);
  expect(slanted.tilt).toBe(-slanted.pan);
  expect(velocityOf(new Set(['ArrowLeft', 'ArrowUp']), false)).toEqual({ pan: -1, tilt: 1, zoom: 0 });
  expect(velocityOf(new Set(['ArrowLeft', 'ArrowRight', '+']), true)).toEqual({ pan: 0, tilt: 0, zoom: 0.3 });
});
