// A camera is moved for as long as somebody holds it: said at once, again every 0.3 s, and a stop at the end. The server
// stops what it hears no more of.

export interface Velocity {
  pan: number;
  tilt: number;
  zoom: number;
}

export const STILL: Velocity = { pan: 0, tilt: 0, zoom: 0 };
/** The server stops after 0.7 s. */
export const RENEW_MS = 300;
/** In a circle of radius 1, what is nearer to its middle moves nothing. */
const DEAD_ZONE = 0.15;

export const isStill = (v: Velocity): boolean => v.pan === 0 && v.tilt === 0 && v.zoom === 0;
const same = (a: Velocity, b: Velocity): boolean => a.pan === b.pan && a.tilt === b.tilt && a.zoom === b.zoom;
const rounded = (value: number): number => Math.round(value * 100) / 100;

/** One request at a time; what is wanted meanwhile follows it, the latest alone. */
export class MoveHold {
  private wanted: Velocity = STILL;
  private told: Velocity = STILL;
  private toldAt = 0;
  private busy = false;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly send: (velocity: Velocity) => Promise<void>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get moving(): boolean {
    return !isStill(this.wanted);
  }

  want(velocity: Velocity): void {
    this.wanted = { pan: rounded(velocity.pan), tilt: rounded(velocity.tilt), zoom: rounded(velocity.zoom) };
    if (this.moving) this.timer ??= setInterval(() => this.turn(), RENEW_MS / 3);
    this.turn();
  }

  stop(): void {
    this.want(STILL);
  }

  private turn(): void {
    const due = !same(this.wanted, this.told) || (this.moving && this.now() - this.toldAt >= RENEW_MS);
    if (this.busy || !due) {
      if (!this.moving && !this.busy) this.rest();
      return;
    }
    const next = this.wanted;
    this.told = next;
    this.toldAt = this.now();
    this.busy = true;
    this.send(next)
      .catch(() => {
        // Whoever sends has said why: nothing more is asked for until somebody holds it anew.
        this.wanted = STILL;
        this.told = STILL;
      })
      .finally(() => {
        this.busy = false;
        this.turn();
      });
  }

  private rest(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

/** Of a pointer in the pad, from its middle in halves of its width and height. */
export function velocityAt(x: number, y: number): Velocity {
  const length = Math.hypot(x, y);
  if (length < DEAD_ZONE) return STILL;
  const scale = (Math.min(length, 1) - DEAD_ZONE) / (1 - DEAD_ZONE) / length;
  return { pan: rounded(x * scale), tilt: rounded(-y * scale), zoom: 0 };
}

const KEYS: Record<string, Velocity> = {
  ArrowLeft: { pan: -1, tilt: 0, zoom: 0 },
  ArrowRight: { pan: 1, tilt: 0, zoom: 0 },
  ArrowUp: { pan: 0, tilt: 1, zoom: 0 },
  ArrowDown: { pan: 0, tilt: -1, zoom: 0 },
  '+': { pan: 0, tilt: 0, zoom: 1 },
  '=': { pan: 0, tilt: 0, zoom: 1 },
  '-': { pan: 0, tilt: 0, zoom: -1 },
};

export const isMoveKey = (key: string): boolean => key in KEYS;

/** Of all keys that are held. */
export function velocityOf(keys: ReadonlySet<string>, slow: boolean): Velocity {
  const sum = { ...STILL };
  for (const key of keys) {
    const one = KEYS[key] ?? STILL;
    sum.pan += one.pan;
    sum.tilt += one.tilt;
    sum.zoom += one.zoom;
  }
  const speed = slow ? 0.3 : 1;
  const bounded = (value: number): number => Math.max(-1, Math.min(1, value)) * speed;
  return { pan: bounded(sum.pan), tilt: bounded(sum.tilt), zoom: bounded(sum.zoom) };
}
