// Every request the page makes, with typed answers. Nothing else calls fetch on /api (hls.js loads its own media).

import { API } from './base';
import { formatInstant, parseInstant, type Instant } from '../time/instant';
import type {
  Alert,
  AuditLog,
  AuditVerdict,
  Camera,
  CameraDraft,
  CameraList,
  CapacityPlan,
  Case,
  Certificate,
  Choice,
  ClipPart,
  Coverage,
  CoverageReport,
  Directive,
  DirectiveKind,
  Export,
  ExportLink,
  FootageRequest,
  GapReport,
  Imported,
  Me,
  NetworkReport,
  NewLink,
  NewPlayerAddress,
  NewToken,
  OpenedLink,
  OrderDraft,
  OrderPreview,
  OutageList,
  PlayerAddress,
  Problem,
  PublicCameras,
  Recipient,
  RevocationDraft,
  Role,
  Token,
  User,
} from './types';

/** The server said no. `code` is the stable word that the dictionaries translate. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title ?? `HTTP ${problem.status}`);
  }
  get status(): number {
    return this.problem.status;
  }
  get code(): string | undefined {
    return this.problem.code;
  }
}

/** The server could not be reached at all. */
export class OfflineError extends Error {}

let onUnauthenticated: () => void = () => undefined;

/** Called when a request finds that the session is gone. */
export function whenUnauthenticated(listener: () => void): void {
  onUnauthenticated = listener;
}

async function send(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new OfflineError(String(error));
  }
  if (response.status === 401 && path !== `${API}/login` && path !== `${API}/me`) {
    // A wrong present password is answered 401 too, and must not end the session.
    const problem = await readProblem(response.clone());
    if (problem.code !== 'bad_credentials') onUnauthenticated();
  }
  return response;
}

async function readProblem(response: Response): Promise<Problem> {
  const after = Number(response.headers.get('Retry-After') ?? NaN);
  const wait = after > 0 ? { retry_after_s: after } : {};
  try {
    const body: unknown = await response.json();
    if (body && typeof body === 'object') return { ...(body as Partial<Problem>), ...wait, status: response.status };
  } catch {
    // a proxy's HTML page, or no body
  }
  return { ...wait, status: response.status };
}

async function ok(path: string, init?: RequestInit): Promise<Response> {
  const response = await send(path, init);
  if (!response.ok) throw new ApiError(await readProblem(response));
  return response;
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await ok(path, signal ? { signal } : {});
  return (await response.json()) as T;
}

async function change<T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const response = await ok(path, {
    method,
    ...(body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

const seg = encodeURIComponent;

function camera(id: string): string {
  return `${API}/cameras/${seg(id)}`;
}

function range(start: Instant, end: Instant): string {
  return `start=${seg(formatInstant(start))}&end=${seg(formatInstant(end))}`;
}

// Session

export const login = (username: string, password: string) =>
  change<{ user: string; role: Role }>('POST', `${API}/login`, { username, password });
export const logout = () => change<void>('POST', `${API}/logout`);
export const me = () => get<Me>(`${API}/me`);

// Cameras

export const cameras = (signal?: AbortSignal) => get<CameraList>(`${API}/cameras`, signal);
export const cameraById = (id: string, signal?: AbortSignal) => get<Camera>(camera(id), signal);
export const addCamera = (draft: CameraDraft) => change<Camera>('POST', `${API}/cameras`, draft);
export const changeCamera = (id: string, draft: CameraDraft) => change<Camera>('PATCH', camera(id), draft);
export const removeCamera = (id: string) => change<void>('DELETE', camera(id));
export const coverage = (id: string, start: Instant, end: Instant, signal?: AbortSignal) =>
  get<Coverage>(`${camera(id)}/coverage?${range(start, end)}`, signal);

// Addresses for other players

export const addresses = () => get<{ addresses: PlayerAddress[] }>(`${API}/addresses`);
/** `range` null: live. */
export const makeAddress = (id: string, range: { start: Instant; end: Instant } | null, expires_s: number) =>
  change<NewPlayerAddress>('POST', `${camera(id)}/addresses`, {
    ...(range ? { start: formatInstant(range.start), end: formatInstant(range.end) } : { live: true }),
    expires_s,
  });
export const revokeAddress = (id: string) => change<void>('DELETE', `${API}/addresses/${seg(id)}`);

// Media: addresses for <img>, <a download> and hls.js

export const playlistUrl = (id: string, start: Instant, end: Instant) =>
  `${camera(id)}/playlist.m3u8?${range(start, end)}`;
export const liveUrl = (id: string) => `${camera(id)}/live.m3u8`;
export const clipUrl = (id: string, start: Instant, end: Instant, gaps: ClipGaps) =>
  `${camera(id)}/clip.mp4?${range(start, end)}&gaps=${gaps}`;
export const snapshotUrl = (id: string, at: Instant | null, width?: number) => {
  const query = [at === null ? '' : `at=${seg(formatInstant(at))}`, width ? `width=${width}` : '']
    .filter(Boolean)
    .join('&');
  return `${camera(id)}/snapshot.jpg${query ? `?${query}` : ''}`;
};

/** Why a media address does not answer, for players that only know that it did not. Null: it answers. */
export async function mediaProblem(url: string): Promise<Problem | null> {
  // One byte is asked for, so that a clip that does exist is not fetched twice.
  const response = await send(url, { headers: { Range: 'bytes=0-0' } });
  if (response.ok) {
    await response.body?.cancel();
    return null;
  }
  return readProblem(response);
}

/** What of the range was not recorded is left out, or keeps its time. */
export type ClipGaps = 'collapse' | 'keep';

/** `archive` is the address of all parts as one ZIP. */
export type ClipCheck =
  | { ready: true; size: number | null; notShown: ClipPart[] }
  | {
      ready: false;
      problem: Problem;
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

const LISTS: Record<DirectiveKind, string> = { order: 'orders', maintenance: 'maintenance', schedule: 'schedules' };
const ANSWERS: Record<DirectiveKind, 'orders' | 'windows' | 'schedules'> = {
  order: 'orders',
  maintenance: 'windows',
  schedule: 'schedules',
};

export async function directives(kind: DirectiveKind): Promise<Directive[]> {
  return (await get<Record<string, Directive[]>>(`${API}/${LISTS[kind]}`))[ANSWERS[kind]] ?? [];
}
export const orderById = (id: string) => get<Directive>(`${API}/orders/${seg(id)}`);
export const attachmentUrl = (order: string) => `${API}/orders/${seg(order)}/attachment`;
export const previewOrder = (draft: OrderDraft) => change<OrderPreview>('POST', `${API}/orders/preview`, draft);
export const enterOrder = (draft: OrderDraft, plan_hash: string) =>
  change<Directive>('POST', `${API}/orders`, { ...draft, plan_hash });
export const enterWindow = (draft: Choice & { reason: string; start: string; end: string }) =>
  change<Directive>('POST', `${API}/maintenance`, draft);
export const enterSchedule = (draft: Choice & { reason: string; hours: string }) =>
  change<Directive>('POST', `${API}/schedules`, draft);
export const revokeDirective = (kind: DirectiveKind, id: string, draft: RevocationDraft) =>
  change<Directive>('POST', `${API}/${LISTS[kind]}/${seg(id)}/${kind === 'order' ? 'revoke' : 'end'}`, draft);

async function upload<T>(path: string, file: Blob): Promise<T> {
  const response = await ok(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: file,
  });
  return (await response.json()) as T;
}
export const uploadAttachment = (file: File) => upload<{ sha256: string; bytes: number }>(`${API}/attachments`, file);

// The table of cameras

export const importCameras = (file: File, dryRun: boolean) =>
  upload<Imported>(`${API}/camera-table?dry_run=${dryRun ? 'yes' : 'no'}`, file);
export const cameraTableUrl = (passwords: boolean) => `${API}/camera-table${passwords ? '?passwords=yes' : ''}`;

// What citizens see

export async function publicCameras(signal?: AbortSignal): Promise<PublicCameras> {
  const response = await ok(`${API}/public/cameras`, {
    credentials: 'omit',
    cache: 'default',
    ...(signal ? { signal } : {}),
  });
  return (await response.json()) as PublicCameras;
}
export const publicCuts = () =>
  get<{ cuts: Array<{ camera: string; since: string; reason: string; by: string }> }>(`${API}/public-cuts`);
export const cutPublicView = (id: string, reason: string) =>
  change<unknown>('POST', `${camera(id)}/public-cut`, { reason });
export const restorePublicView = (id: string, reason: string) =>
  change<void>('POST', `${camera(id)}/public-cut/end`, { reason });

// Gaps

export interface GapQuery {
  start: Instant;
  end: Instant;
  cameras: string[];
  group: string;
  cause: string;
  class: string;
  fold_s: number;
}

function chosen(query: GapQuery): string[] {
  const params = [range(query.start, query.end)];
  for (const id of query.cameras) params.push(`camera=${seg(id)}`);
  if (query.group) params.push(`group=${seg(query.group)}`);
  return params;
}

export function gapsUrl(
  query: GapQuery,
  format: 'json' | 'csv' | 'html' | 'pdf',
  more: { limit?: number; lang?: string } = {},
): string {
  const params = chosen(query);
  if (query.cause) params.push(`cause=${seg(query.cause)}`);
  if (query.class) params.push(`class=${seg(query.class)}`);
  if (query.fold_s > 0) params.push(`fold_s=${query.fold_s}`);
  if (more.limit !== undefined) params.push(`limit=${more.limit}`);
  if (more.lang) params.push(`lang=${more.lang}`);
  params.push(`format=${format}`);
  return `${API}/gaps?${params.join('&')}`;
}

export const gaps = (query: GapQuery, limit: number, signal?: AbortSignal) =>
  get<GapReport>(gapsUrl(query, 'json', { limit }), signal);

// Figures of the fleet

/** `by`: camera, day, hour, or a label. */
export const fleetCoverage = (query: GapQuery, by: string, signal?: AbortSignal) =>
  get<CoverageReport>(`${API}/coverage?${chosen(query).join('&')}&by=${seg(by)}`, signal);
export const outages = (signal?: AbortSignal) => get<OutageList>(`${API}/outages`, signal);

// Network

export interface NetworkQuery {
  start: Instant;
  end: Instant;
  by: string;
  step: 'total' | 'day' | 'hour';
  where: string;
}

export const network = (query: NetworkQuery) =>
  get<NetworkReport>(
    `${API}/network?${range(query.start, query.end)}&by=${seg(query.by)}&step=${query.step}&where=${seg(query.where)}`,
  );

/** Numbers as they were typed: the server checks them. */
export interface PlanQuery {
  where: string;
  days: string;
  cameras?: string;
  bitrate_bps?: string;
  overhead?: string;
  price_per_mbit?: string;
}

export const plan = (query: PlanQuery) =>
  get<CapacityPlan>(`${API}/plan?${new URLSearchParams({ ...query }).toString()}`);

// Alerts

export const alerts = (open: boolean) =>
  get<{ alerts: Alert[]; recipients: Recipient[] }>(`${API}/alerts${open ? '?open=true' : ''}`);
export const acknowledgeAlert = (id: string, note: string) =>
  change<Alert>('POST', `${API}/alerts/${seg(id)}/acknowledge`, { note });

// Cases

export const cases = () => get<{ second_person: boolean; cases: Case[] }>(`${API}/cases`);
export const openCase = (number: string, legal_basis: string, title: string) =>
  change<Case>('POST', `${API}/cases`, { number, legal_basis, title });
export const askForFootage = (id: string, cameraIds: string[], start: Instant, end: Instant, purpose: string) =>
  change<FootageRequest>('POST', `${API}/cases/${seg(id)}/requests`, {
    cameras: cameraIds,
    start: formatInstant(start),
    end: formatInstant(end),
    purpose,
  });
export const decide = (
  what: 'approve' | 'refuse' | 'withdraw' | 'close',
  id: string,
  reason: string,
  release: boolean,
) =>
  change<unknown>(
    'POST',
    what === 'close' ? `${API}/cases/${seg(id)}/close` : `${API}/requests/${seg(id)}/${what}`,
    what === 'approve' ? { reason } : { reason, release },
  );

// Sealed exports

export const exports = () => get<{ exports: Export[] }>(`${API}/exports`);
export const makeExport = (
  cameraIds: string[],
  start: Instant,
  end: Instant,
  texts: { case: string; legal_basis: string; purpose: string; requester: string },
) =>
  change<Export>('POST', `${API}/exports`, {
    cameras: cameraIds,
    start: formatInstant(start),
    end: formatInstant(end),
    ...texts,
  });
export const exportRequest = (id: string) => change<Export>('POST', `${API}/exports`, { request: id });
export const cancelExport = (id: string) => change<Export>('POST', `${API}/exports/${seg(id)}/cancel`, {});
export const makeLink = (id: string, recipient: string, expires_s: number) =>
  change<NewLink>('POST', `${API}/exports/${seg(id)}/links`, { recipient, expires_s });
export const revokeLink = (id: string, link: string) =>
  change<ExportLink>('POST', `${API}/exports/${seg(id)}/links/${seg(link)}/revoke`);
export const openLink = (link: string) => change<OpenedLink>('POST', `${API}/links/open`, { link });
export const certificates = () => get<{ certificates: Certificate[] }>(`${API}/certificates`);

// Audit log

export interface AuditQuery {
  actor: string;
  camera: string;
  action: string;
}

export const auditLog = (query: AuditQuery, before: number | null) => {
  const params = Object.entries({ ...query, before: before === null ? '' : String(before) })
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${seg(value)}`);
  return get<AuditLog>(`${API}/audit?${params.join('&')}`);
};
export const verifyAudit = (head: string) =>
  get<AuditVerdict>(`${API}/audit/verify${head ? `?head=${seg(head)}` : ''}`);

// Users and tokens

export const users = () => get<{ users: User[] }>(`${API}/users`);
export const addUser = (name: string, password: string, role: Role) =>
  change<User>('POST', `${API}/users`, { name, password, role });
export const removeUser = (name: string) => change<void>('DELETE', `${API}/users/${seg(name)}`);
/** `current` is asked of whoever changes their own password. */
export const setPassword = (name: string, password: string, current?: string) =>
  change<void>(
    'POST',
    `${API}/users/${seg(name)}/password`,
    current === undefined ? { password } : { password, current },
  );
export const tokens = () => get<{ tokens: Token[] }>(`${API}/tokens`);
export const addToken = (name: string, role: Role) => change<NewToken>('POST', `${API}/tokens`, { name, role });
export const removeToken = (id: string) => change<void>('DELETE', `${API}/tokens/${seg(id)}`);
