import { describe, expect, it } from 'vitest';
import { cut, runAt, runsOf, worstOf, type Runs } from './columns';

const gate: Runs = {
  lengths: [3, 1, 4, 2],
  states: ['footage', 'unreachable', 'footage', 'unknown'],
  classes: [null, 'network', null, null],
};
const yard: Runs = {
  lengths: [2, 3, 5],
  states: ['footage', 'disabled', 'footage'],
  classes: [null, 'administrative', null],
};

describe('columns', () => {
  it('say what stands where', () => {
    expect(runAt(gate, 3)).toMatchObject({ state: 'unreachable', cls: 'network' });
    expect(runAt(gate, 4)!.state).toBe('footage');
    expect(runAt(gate, 10)).toBeNull();
  });
  it('of several cameras show the worst, and footage before what is not known', () => {
    expect(worstOf([gate, yard]).map((run) => [run.start, run.length, run.state])).toEqual([
      [0, 2, 'footage'],
      [2, 1, 'disabled'],
      [3, 1, 'unreachable'],
      [4, 1, 'disabled'],
      [5, 5, 'footage'],
    ]);
    expect(worstOf([])).toEqual([]);
  });
  it('are cut into days without losing any', () => {
    const parts = [cut(runsOf(gate), 0, 5), cut(runsOf(gate), 5, 5)];
    expect(parts.flat().reduce((sum, run) => sum + run.length, 0)).toBe(10);
    expect(parts[1]![0]).toMatchObject({ start: 0, length: 3, state: 'footage' });
  });
});
