// Every request the page makes. Nothing else calls fetch on /api (hls.js loads its own media).

import { formatInstant, parseInstant, type Instant } from '../time/instant';
import { address, ApiError, call, mediaProblem, readProblem, send, upload, type Failure } from './routes';
import type {
  AccessChange,
  CameraChange,
  ClipPart,
  DevicesToAdd,
  Directive,
  DirectiveKind,
  FaultKind,
  Footage,
  FootageKind,
  NewGrant,
  NewOrder,
  NewRevocation,
  NewScan,
  NewToken,
  Proof,
  PtzMove,
  NewWall,
  RuleChange,
  Role,
} from './schema';

export {
  ApiError,
  mediaProblem,
  OfflineError,
  onceProved,
  whenProofNeeded,
  whenUnauthenticated,
  type Failure,
} from './routes';

const range = (start: Instant, end: Instant) => ({ start: formatInstant(start), end: formatInstant(end) });
/** What requests that can be given up take. */
const until = (signal?: AbortSignal): RequestInit => (signal ? { signal } : {});

// Session

export const beginSession = (username: string, password: string) =>
  call('POST /api/login', { body: { username, password } });
export const endSession = () => call('POST /api/logout');
export const me = () => call('GET /api/me');

// Cameras

export const cameras = (signal?: AbortSignal) => call('GET /api/cameras', {}, until(signal));
/** All cameras, or with the `token` of the answer before what changed since. */
export const fleetChanges = (after: string | null, signal?: AbortSignal) =>
  call('GET /api/fleet', after === null ? {} : { query: { after } }, until(signal));
export const cameraById = (camera: string, signal?: AbortSignal) =>
  call('GET /api/cameras/{camera}', { path: { camera } }, until(signal));
export const addCamera = (body: CameraChange & { id: string; url: string }) => call('POST /api/cameras', { body });
export const changeCamera = (camera: string, body: CameraChange) =>
  call('PATCH /api/cameras/{camera}', { path: { camera }, body });
export const removeCamera = (camera: string) => call('DELETE /api/cameras/{camera}', { path: { camera } });
export const coverage = (camera: string, start: Instant, end: Instant, signal?: AbortSignal) =>
  call('GET /api/cameras/{camera}/coverage', { path: { camera }, query: range(start, end) }, until(signal));

/** Of up to 16 cameras, or of all that one may play. */
export const marks = (
  asked: { cameras?: readonly string[]; kinds?: readonly string[]; start: Instant; end: Instant },
  signal?: AbortSignal,
) =>
  call(
    'GET /api/marks',
    {
      query: {
        ...(asked.cameras ? { camera: [...asked.cameras] } : {}),
        ...(asked.kinds?.length ? { kind: [...asked.kinds] } : {}),
        ...range(asked.start, asked.end),
      },
    },
    until(signal),
  );

// Moving a camera

export const ptz = (camera: string, signal?: AbortSignal) =>
  call('GET /api/cameras/{camera}/ptz', { path: { camera } }, until(signal));
export const takePtz = (camera: string) => call('POST /api/cameras/{camera}/ptz/lease', { path: { camera } });
export const releasePtz = (camera: string) => call('DELETE /api/cameras/{camera}/ptz/lease', { path: { camera } });
export const handOverPtz = (camera: string) => call('POST /api/cameras/{camera}/ptz/hand-over', { path: { camera } });
export const movePtz = (camera: string, body: PtzMove) =>
  call('POST /api/cameras/{camera}/ptz/move', { path: { camera }, body });
export const presets = (camera: string) => call('GET /api/cameras/{camera}/ptz/presets', { path: { camera } });
export const callPreset = (camera: string, preset: string) =>
  call('POST /api/cameras/{camera}/ptz/call', { path: { camera }, body: { preset } });
export const keepPreset = (camera: string, name: string) =>
  call('POST /api/cameras/{camera}/ptz/presets', { path: { camera }, body: { name } });
export const forgetPreset = (camera: string, preset: string) =>
  call('DELETE /api/cameras/{camera}/ptz/presets/{preset}', { path: { camera, preset } });

/** What is shown over the picture of who is watching. */
export const nameOverPicture = (camera: string) =>
  call('GET /api/cameras/{camera}/name-over-picture', { path: { camera } });

// Addresses for other players

export const addresses = () => call('GET /api/addresses');
/** `asked` null: live. */
export const makeAddress = (camera: string, asked: { start: Instant; end: Instant } | null, expires_s: number) =>
  call('POST /api/cameras/{camera}/addresses', {
    path: { camera },
    body: { ...(asked ? range(asked.start, asked.end) : { live: true }), expires_s },
  });
export const revokeAddress = (id: string) => call('DELETE /api/addresses/{address}', { path: { address: id } });

// Media: addresses for <img>, <a download> and hls.js

export const playlistUrl = (camera: string, start: Instant, end: Instant) =>
  address('GET /api/cameras/{camera}/playlist.m3u8', { path: { camera }, query: range(start, end) });
export const liveUrl = (camera: string) => address('GET /api/cameras/{camera}/live.m3u8', { path: { camera } });
export const clipUrl = (camera: string, start: Instant, end: Instant, gaps: ClipGaps) =>
  address('GET /api/cameras/{camera}/clip.mp4', { path: { camera }, query: { ...range(start, end), gaps } });
/** `nearKey`: the keyframe shown then, which costs the server one picture to decode. */
export const snapshotUrl = (camera: string, at: Instant | null, width?: number, nearKey = false) =>
  address('GET /api/cameras/{camera}/snapshot.jpg', {
    path: { camera },
    query: {
      ...(at === null ? {} : { at: formatInstant(at) }),
      ...(width ? { width: String(width) } : {}),
      ...(nearKey ? { near: 'key' } : {}),
    },
  });

/** A picture to hand on: with camera, time, zone and hash below it. */
export const stillUrl = (camera: string, at: Instant, kind: 'png' | 'pdf', lang: string) => {
  const asked = { path: { camera }, query: { at: formatInstant(at), lang } };
  return kind === 'png'
    ? address('GET /api/cameras/{camera}/still.png', asked)
    : address('GET /api/cameras/{camera}/still.pdf', asked);
};

// Several cameras at once

/** The footage of several cameras from a moment on, as messages; presentation times count from `origin`. */
export async function openStream(
  cameras: readonly string[],
  start: Instant,
  end: Instant,
  origin: Instant,
  have: readonly string[],
  signal: AbortSignal,
): Promise<Response | Failure> {
  const query = { camera: [...cameras], ...range(start, end), origin: formatInstant(origin), have: [...have] };
  const response = await send(address('GET /api/playback/stream', { query }), { signal });
  return response.ok ? response : readProblem(response);
}

/** The keyframes of several cameras at moments, as messages. */
export async function keyframesAt(
  cameras: readonly string[],
  moments: readonly Instant[],
  have: readonly string[],
  signal?: AbortSignal,
): Promise<Response> {
  const query = { camera: [...cameras], at: moments.map(formatInstant), have: [...have] };
  const response = await send(address('GET /api/playback/keyframes', { query }), until(signal));
  if (!response.ok) throw new ApiError(await readProblem(response));
  return response;
}

/** The picture of a keyframe, decoded by the server. */
export async function keyframePicture(camera: string, at: Instant, width: number): Promise<Response> {
  const response = await send(snapshotUrl(camera, at, width, true));
  if (!response.ok) throw new ApiError(await readProblem(response));
  return response;
}

export const tracks = (
  cameras: readonly string[],
  start: Instant,
  end: Instant,
  columns: number,
  signal?: AbortSignal,
) =>
  call('GET /api/playback/coverage', { query: { camera: [...cameras], ...range(start, end), columns } }, until(signal));
export const frames = (camera: string, start: Instant, end: Instant, signal?: AbortSignal) =>
  call('GET /api/cameras/{camera}/frames', { path: { camera }, query: range(start, end) }, until(signal));
/** When something moved; `region` in shares of the picture. */
export const activity = (
  camera: string,
  start: Instant,
  end: Instant,
  region: { left: number; top: number; right: number; bottom: number } | null,
  signal?: AbortSignal,
) =>
  call(
    'GET /api/cameras/{camera}/activity',
    {
      path: { camera },
      query: {
        ...range(start, end),
        ...(region ? { region: [region.left, region.top, region.right, region.bottom].join(',') } : {}),
      },
    },
    until(signal),
  );
export const bookmarks = (cameras: readonly string[], start: Instant, end: Instant, signal?: AbortSignal) =>
  call('GET /api/bookmarks', { query: { camera: [...cameras], ...range(start, end) } }, until(signal));
export const makeBookmark = (camera: string, at: Instant, note: string) =>
  call('POST /api/cameras/{camera}/bookmarks', { path: { camera }, body: { at: formatInstant(at), note } });
export const removeBookmark = (bookmark: string) => call('DELETE /api/bookmarks/{bookmark}', { path: { bookmark } });

/** What of the range was not recorded is left out, or keeps its time. */
export type ClipGaps = 'collapse' | 'keep';

/** `archive` is the address of all parts as one ZIP. */
export type ClipCheck =
  | { ready: true; size: number | null; notShown: ClipPart[] }
  | {
      ready: false;
      problem: Failure;
      parts: ClipPart[];
      archive: string | null;
      soFar: ClipPart | null;
      retryAt: Instant | null;
    };

/** A download that fails is a useless file with an error in it; asking first lets the page say why instead. */
export async function checkClip(url: string): Promise<ClipCheck> {
  const head = await send(url, { method: 'HEAD' });
  if (head.ok) {
    const length = head.headers.get('Content-Length');
    return {
      ready: true,
      size: length === null ? null : Number(length),
      notShown: notShown(url, head.headers.get('X-Not-Shown')),
    };
  }
  const problem = await mediaProblem(url);
  if (problem === null) return { ready: true, size: null, notShown: [] };
  return {
    ready: false,
    problem,
    parts: Array.isArray(problem.parts) ? problem.parts : [],
    archive: problem.archive ?? null,
    soFar: problem.so_far ?? null,
    retryAt: problem.retry_at ? parseInstant(problem.retry_at) : null,
  };
}

/**
 * What the clip of this address does not show, since another run recorded the same time, each with the address of its
 * own clip.
 */
export function notShown(url: string, header: string | null): ClipPart[] {
  if (header === null) return [];
  const [path = '', query = ''] = url.split('?', 2);
  return (JSON.parse(header) as Array<{ start: string; end: string; run: string }>).map(({ start, end, run }) => {
    const params = new URLSearchParams(query);
    for (const [name, value] of Object.entries({ start, end, run })) params.set(name, value);
    return { start, end, url: `${path}?${params.toString()}` };
  });
}

// Orders, maintenance windows, schedules

const LISTS: Record<DirectiveKind, () => Promise<Directive[]>> = {
  order: async () => (await call('GET /api/orders')).orders,
  maintenance: async () => (await call('GET /api/maintenance')).windows,
  schedule: async () => (await call('GET /api/schedules')).schedules,
};
/** Which cameras: by a label query, by ids, or by the text of a CSV list. One of them. */
export type Choice = Pick<NewOrder, 'where' | 'cameras' | 'csv'>;

export const directives = (kind: DirectiveKind) => LISTS[kind]();
export const oneOrder = (order: string) => call('GET /api/orders/{order}', { path: { order } });
export const attachmentUrl = (order: string) => address('GET /api/orders/{order}/attachment', { path: { order } });
export const previewOrder = (body: NewOrder) => call('POST /api/orders/preview', { body });
export const enterOrder = (draft: NewOrder, plan_hash: string) =>
  call('POST /api/orders', { body: { ...draft, plan_hash } });
export const enterWindow = (body: Choice & { reason: string; start: string; end: string }) =>
  call('POST /api/maintenance', { body });
export const enterSchedule = (body: Choice & { reason: string; hours: string }) =>
  call('POST /api/schedules', { body });
export const revokeDirective = (kind: DirectiveKind, id: string, body: NewRevocation) =>
  kind === 'order'
    ? call('POST /api/orders/{order}/revoke', { path: { order: id }, body })
    : kind === 'maintenance'
      ? call('POST /api/maintenance/{window}/end', { path: { window: id }, body })
      : call('POST /api/schedules/{schedule}/end', { path: { schedule: id }, body });
export const uploadAttachment = (file: File) => upload('POST /api/attachments', file, {});

// The table of cameras

export const importCameras = (file: File, dryRun: boolean) =>
  upload('POST /api/camera-table', file, { query: { dry_run: dryRun ? 'yes' : 'no' } });
export const cameraTableUrl = (passwords: boolean) =>
  address('GET /api/camera-table', { query: passwords ? { passwords: 'yes' } : {} });

// Devices in networks, and searches for them

export const devices = () => call('GET /api/devices');
export const deviceMoves = () => call('GET /api/device-moves');
export const deviceTableUrl = () => address('GET /api/device-table');
export const addDevices = (body: DevicesToAdd) => call('POST /api/devices/add', { body });
export const importDevices = (file: File, dryRun: boolean) =>
  upload('POST /api/device-table', file, { query: { dry_run: dryRun ? 'yes' : 'no' } });
export const followDevice = (camera: string) => call('POST /api/cameras/{camera}/follow', { path: { camera } });
export const scans = (signal?: AbortSignal) => call('GET /api/scans', {}, until(signal));
export const beginScan = (body: NewScan) => call('POST /api/scans', { body });
export const resumeScan = () => call('POST /api/scans/resume');
export const stopScan = (scan: string) => call('POST /api/scans/{scan}/stop', { path: { scan } });

// What citizens see

export const publicCameras = (signal?: AbortSignal) =>
  call('GET /api/public/cameras', {}, { credentials: 'omit', cache: 'default', ...until(signal) });
export const publicHidden = (signal?: AbortSignal) =>
  call('GET /api/public/hidden', {}, { credentials: 'omit', cache: 'default', ...until(signal) });
export const reportFault = (camera: string, kind: FaultKind, note: string) =>
  call('POST /api/public/cameras/{camera}/report', { path: { camera }, body: { kind, note } }, { credentials: 'omit' });
export const citizenReports = (camera: string, start: Instant, end: Instant, signal?: AbortSignal) =>
  call('GET /api/cameras/{camera}/citizen-reports', { path: { camera }, query: range(start, end) }, until(signal));
export const publicCuts = () => call('GET /api/public-cuts');
export const cutPublicView = (camera: string, reason: string) =>
  call('POST /api/cameras/{camera}/public-cut', { path: { camera }, body: { reason } });
export const restorePublicView = (camera: string, reason: string) =>
  call('POST /api/cameras/{camera}/public-cut/end', { path: { camera }, body: { reason } });

// Gaps

export interface GapQuery {
  start: Instant;
  end: Instant;
  cameras: string[];
  group: string;
  cause: string;
  /** One or several, separated by commas; '' for all. */
  class: string;
  fold_s: number;
}

const chosen = (query: GapQuery) => ({
  ...range(query.start, query.end),
  camera: query.cameras,
  ...(query.group ? { group: [query.group] } : {}),
});

const gapQuery = (
  query: GapQuery,
  format: 'json' | 'csv' | 'html' | 'pdf',
  more: { limit?: number; lang?: string },
) => ({
  query: {
    ...chosen(query),
    ...(query.cause ? { cause: [query.cause] } : {}),
    ...(query.class ? { class: query.class.split(',') } : {}),
    ...(query.fold_s > 0 ? { fold_s: String(query.fold_s) } : {}),
    ...(more.limit === undefined ? {} : { limit: String(more.limit) }),
    ...(more.lang ? { lang: more.lang } : {}),
    format,
  },
});

export const gapsUrl = (query: GapQuery, format: 'csv' | 'html' | 'pdf', more: { lang?: string } = {}) =>
  address('GET /api/gaps', gapQuery(query, format, more));
export const gaps = (query: GapQuery, limit: number, signal?: AbortSignal) =>
  call('GET /api/gaps', gapQuery(query, 'json', { limit }), until(signal));

// Figures of the fleet

/** `by`: camera, day, hour, or a label. */
export const fleetCoverage = (query: GapQuery, by: string, signal?: AbortSignal) =>
  call('GET /api/coverage', { query: { ...chosen(query), by } }, until(signal));
export const outages = (signal?: AbortSignal) => call('GET /api/outages', {}, until(signal));

// Network

export interface NetworkQuery {
  start: Instant;
  end: Instant;
  by: string;
  step: 'total' | 'day' | 'hour';
  where: string;
}

export const network = ({ start, end, ...rest }: NetworkQuery) =>
  call('GET /api/network', { query: { ...range(start, end), ...rest } });

/** Numbers as they were typed: the server checks them. */
export interface PlanQuery {
  where: string;
  days: string;
  cameras?: string;
  bitrate_bps?: string;
  overhead?: string;
  price_per_mbit?: string;
}

export const plan = (query: PlanQuery) => call('GET /api/plan', { query: { ...query } });

// Alerts

export const alerts = (open: boolean) => call('GET /api/alerts', { query: open ? { open } : {} });
export const acknowledgeAlert = (alert: string, note: string) =>
  call('POST /api/alerts/{alert}/acknowledge', { path: { alert }, body: { note } });

/** What failed together is known together. */
export const acknowledgeAlerts = (alerts: string[], note: string) =>
  call('POST /api/alerts/acknowledge', { body: { alerts, note } });

// Retention

export const retention = () => call('GET /api/retention');
export const forecast = () => call('GET /api/retention/forecast');
export const waitingDeletions = () => call('GET /api/retention/waiting');
export const previewRetention = (body: RuleChange) => call('POST /api/retention/preview', { body });
export const applyRetention = (plan_hash: string) => call('POST /api/retention/apply', { body: { plan_hash } });
export const confirmDeletion = (cause: string) => call('POST /api/retention/confirm', { body: { cause } });
export const holds = () => call('GET /api/holds');
export const releaseHold = (hold: string, reason: string) =>
  call('POST /api/holds/{hold}/release', { path: { hold }, body: { reason } });

// Cases

export const cases = () => call('GET /api/cases');
export const oneCase = (id: string) => call('GET /api/cases/{case}', { path: { case: id } });
export const openCase = (number: string, legal_basis: string, title: string) =>
  call('POST /api/cases', { body: { number, legal_basis, title } });
export const askForFootage = (id: string, cameraIds: string[], start: Instant, end: Instant, purpose: string) =>
  call('POST /api/cases/{case}/requests', {
    path: { case: id },
    body: { cameras: cameraIds, ...range(start, end), purpose },
  });
export async function decide(
  what: 'approve' | 'refuse' | 'withdraw' | 'close',
  id: string,
  reason: string,
  release: boolean,
): Promise<void> {
  if (what === 'approve') await call('POST /api/requests/{id}/approve', { path: { id }, body: { reason } });
  else if (what === 'close')
    await call('POST /api/cases/{case}/close', { path: { case: id }, body: { reason, release } });
  else await call(`POST /api/requests/{id}/${what}`, { path: { id }, body: { reason, release } });
}

// Sealed exports

export const exports = () => call('GET /api/exports');
export const makeExport = (
  cameraIds: string[],
  start: Instant,
  end: Instant,
  texts: { case: string; legal_basis: string; purpose: string; requester: string },
) => call('POST /api/exports', { body: { cameras: cameraIds, ...range(start, end), ...texts } });
export const exportRequest = (request: string) => call('POST /api/exports', { body: { request } });
export const cancelExport = (id: string) => call('POST /api/exports/{export}/cancel', { path: { export: id } });
export const makeLink = (id: string, recipient: string, expires_s: number) =>
  call('POST /api/exports/{export}/links', { path: { export: id }, body: { recipient, expires_s } });
export const revokeLink = (id: string, link: string) =>
  call('POST /api/exports/{export}/links/{link}/revoke', { path: { export: id, link } });
export const openLink = (link: string) => call('POST /api/links/open', { body: { link } });
export const certificates = () => call('GET /api/certificates');

// Audit log

export interface AuditQuery {
  actor: string;
  camera: string;
  action: string;
  /** Texts of which one is in the detail. */
  about: string[];
  start: Instant | null;
  end: Instant | null;
}

export const auditLog = ({ about, start, end, ...query }: AuditQuery, before: number | null) =>
  call('GET /api/audit', {
    query: {
      ...Object.fromEntries(Object.entries(query).filter(([, value]) => value !== '')),
      ...(about.length > 0 ? { about } : {}),
      ...(start === null ? {} : { start: formatInstant(start) }),
      ...(end === null ? {} : { end: formatInstant(end) }),
      ...(before === null ? {} : { before }),
    },
  });
export const verifyAudit = (head: string) => call('GET /api/audit/verify', { query: head ? { head: [head] } : {} });

// Users and tokens

export const users = () => call('GET /api/users');
export const addUser = (name: string, password: string, role: Role) =>
  call('POST /api/users', { body: { name, password, role } });
export const removeUser = (name: string) => call('DELETE /api/users/{name}', { path: { name } });
/** `current` is asked of whoever changes their own password. */
export const setPassword = (name: string, password: string, current?: string) =>
  call('POST /api/users/{name}/password', {
    path: { name },
    body: current === undefined ? { password } : { password, current },
  });
export const tokens = () => call('GET /api/tokens');
export const addToken = (body: NewToken) => call('POST /api/tokens', { body });
export const removeToken = (token: string) => call('DELETE /api/tokens/{token}', { path: { token } });

// Groups, and accounts of programs and screens

export const groups = () => call('GET /api/groups');
export const addGroup = (name: string) => call('POST /api/groups', { body: { name } });
export const removeGroup = (group: string) => call('DELETE /api/groups/{group}', { path: { group } });
export const joinGroup = (group: string, user: string) =>
  call('POST /api/groups/{group}/members', { path: { group }, body: { user } });
export const leaveGroup = (group: string, user: string) =>
  call('DELETE /api/groups/{group}/members/{user}', { path: { group, user } });
export const addService = (name: string) => call('POST /api/services', { body: { name } });
const SCREEN_LASTS_S = 180 * 86_400;
export const makeScreenCode = (name: string) =>
  call('POST /api/services/{name}/screen', { path: { name }, body: { lasts_s: SCREEN_LASTS_S } });

// Sessions

export const sessions = () => call('GET /api/sessions');
/** Where somebody else is logged in, to administrators of people. */
export const sessionsOf = (user: string) => call('GET /api/sessions', { query: { user } });
export const endLogin = (session: string) => call('DELETE /api/sessions/{session}', { path: { session } });

/** Lets this browser in as a screen on a wall. */
export const loginScreen = (code: string) => call('POST /api/login/screen', { body: { code } });

// Identity providers

export const loginWays = () => call('GET /api/login-ways');
/** Where a login with a provider begins: a page, not a request. `again`: it asks anew who it is. */
export const providerUrl = (provider: string, again: boolean) =>
  address('GET /api/login/with/{provider}', { path: { provider }, query: again ? { again } : {} });

// Second factors

export const waysToProve = () => call('GET /api/prove');
export const prove = (body: Proof) => call('POST /api/prove', { body });
export const factors = () => call('GET /api/factors');
export const beginTotp = (name: string) => call('POST /api/factors/totp', { body: { name } });
export const confirmTotp = (factor: string, code: string) =>
  call('POST /api/factors/{factor}/confirm', { path: { factor }, body: { code } });
export const makeRecoveryCodes = () => call('POST /api/recovery-codes');
export const removeFactor = (factor: string) => call('DELETE /api/factors/{factor}', { path: { factor } });
export const passkeyOptions = () => call('POST /api/passkeys/options');
export const keepPasskey = (name: string, credential: string) =>
  call('POST /api/passkeys', { body: { name, credential } });
export const passkeyProofOptions = () => call('POST /api/prove/passkey/options');
export const sendPasskeyProof = (credential: string) => call('POST /api/prove/passkey', { body: { credential } });
export const passkeyLoginOptions = () => call('POST /api/login/passkey/options');
export const sendPasskeyLogin = (credential: string) => call('POST /api/login/passkey', { body: { credential } });
export const resetFactors = (name: string) => call('DELETE /api/users/{name}/factors', { path: { name } });

// Grants

export const grants = () => call('GET /api/access/grants');
export const myGrants = () => call('GET /api/access/mine');
export const explainAccess = (camera: string, user: string) =>
  call('GET /api/access/cameras/{camera}/explain', { path: { camera }, query: { user } });
export const roles = () => call('GET /api/access/roles');
export const giveGrant = (body: NewGrant) => call('POST /api/access/grants', { body });
export const whoSees = (camera: string) => call('GET /api/access/cameras/{camera}/who', { path: { camera } });
export const previewAccess = (body: AccessChange) => call('POST /api/access/preview', { body });
export const revokeGrant = (grant: string) =>
  call('POST /api/access/grants/{grant}/revoke', { path: { grant }, body: {} });
/** Which footage: of `last` so many seconds, of `range` that one. */
export const grantedFootage = (kind: FootageKind, last_s: number, of: { start: Instant; end: Instant }): Footage =>
  kind === 'last' ? { kind, last_s } : kind === 'range' ? { kind, ...range(of.start, of.end) } : { kind };

// Walls

export const walls = () => call('GET /api/walls');
export const saveWall = (body: NewWall) => call('POST /api/walls', { body });
export const deleteWall = (wall: string) => call('DELETE /api/walls/{wall}', { path: { wall } });
