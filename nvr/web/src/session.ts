// Who is logged in, in which display zone, and how far this device's clock is from the server's.

import * as api from './shared/api/client';
import type { Instant } from './shared/time/instant';
import { parseInstant } from './shared/time/instant';
import type { AccessAction, Me } from './shared/api/schema';
import { createStore } from './shared/store';

export type Session =
  { state: 'unknown' } | { state: 'offline' } | { state: 'out'; expired: boolean } | { state: 'in'; me: Me };

export const session = createStore<Session>({ state: 'unknown' });

let aheadMs = 0;

/** The server's present time. Its clock stamped the footage, so "now" on a timeline has to be its now. */
export function serverNow(): Instant {
  return Date.now() + aheadMs;
}

export async function refreshSession(): Promise<void> {
  const before = session.get();
  const asked = Date.now();
  try {
    const me = await api.me();
    aheadMs = parseInstant(me.time) - (asked + Date.now()) / 2;
    session.set({ state: 'in', me });
  } catch (error) {
    if (error instanceof api.ApiError && error.status === 401)
      session.set({ state: 'out', expired: before.state === 'in' });
    else if (before.state !== 'in') session.set({ state: 'offline' });
  }
}

export async function login(username: string, password: string): Promise<void> {
  await api.beginSession(username, password);
  await refreshSession();
}

export async function logout(): Promise<void> {
  try {
    await api.endSession();
  } finally {
    session.set({ state: 'out', expired: false });
  }
}

export function startSession(): void {
  api.whenUnauthenticated(() => {
    if (session.get().state === 'in') session.set({ state: 'out', expired: true });
  });
  void refreshSession();
}

/** Whether they may do this with some camera at least; the server says with which. */
export function may(me: Me, action: AccessAction): boolean {
  return me.actions.includes(action);
}
