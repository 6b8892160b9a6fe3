// How a request is made: each names its route, and what it takes and answers is what the server says of that route.

import { spoken } from '../i18n';
import { API } from './base';
import type { Problem, Routes } from './schema';

/** What came of a request; the wait is that of its `Retry-After`. A newer server may have codes of its own. */
export type Failure = Partial<Omit<Problem, 'code'>> & { status: number; code?: string; retry_after_s?: number };

/** The server said no. `code` is a stable word, `title` and `detail` are in the language of the page. */
export class ApiError extends Error {
  constructor(readonly problem: Failure) {
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

let onProofNeeded: () => Promise<boolean> = () => Promise.resolve(false);

/** Called when a request needs a fresh proof of who asks; says whether it was given, and the request is made again. */
export function whenProofNeeded(listener: () => Promise<boolean>): void {
  onProofNeeded = listener;
}

export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    const headers = { 'Accept-Language': spoken(), ...(init.headers as Record<string, string> | undefined) };
    response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new OfflineError(String(error));
  }
  if (response.status === 401 && !path.startsWith(`${API}/login`) && path !== `${API}/me`) {
    // A wrong present password is answered 401 too, and must not end the session.
    const problem = await readProblem(response.clone());
    if (problem.code !== 'bad_credentials' && problem.code !== 'bad_proof') onUnauthenticated();
  }
  return response;
}

export async function readProblem(response: Response): Promise<Failure> {
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

export type ApiRoute = keyof Routes;
type Given<R extends ApiRoute> = Omit<Routes[R], 'answer' | 'body'>;
type Asked<R extends ApiRoute> = Omit<Routes[R], 'answer'>;
/** Nothing has to be given for a route that takes nothing. */
type Maybe<T, More extends unknown[] = []> = {} extends T ? [asked?: T, ...More] : [asked: T, ...More];

interface Parameters {
  path?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
}

/** The address of a route, for `<a>`, `<img>` and players too; a list is a parameter for each of its members. */
export function address<R extends ApiRoute>(route: R, ...[given]: Maybe<Given<R>>): string {
  const { path = {}, query = {} } = (given ?? {}) as Parameters;
  const params = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(
      (one) => `${name}=${encodeURIComponent(String(one))}`,
    ),
  );
  const plain = route
    .replace(/^\w+ \/api/, '')
    .replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''));
  return `${API}${plain}${params.length > 0 ? `?${params.join('&')}` : ''}`;
}

/** Asks for what the route answers. Raises `ApiError`, or `OfflineError` where nobody answers. */
export async function call<R extends ApiRoute>(
  route: R,
  ...[asked, init = {}]: Maybe<Asked<R>, [init?: RequestInit]>
): Promise<Routes[R]['answer']> {
  const { body } = (asked ?? {}) as Parameters;
  const ask = () =>
    send(address(route, ...([asked] as unknown as Maybe<Given<R>>)), {
      method: route.slice(0, route.indexOf(' ')),
      ...(body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
      ...init,
    });
  let response = await ask();
  if (response.status === 403 && (await readProblem(response.clone())).code === 'proof_needed') {
    if (await onProofNeeded()) response = await ask();
  }
  if (!response.ok) throw new ApiError(await readProblem(response));
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as Routes[R]['answer'];
}

/** Sends a file as it is. */
export function upload<R extends ApiRoute>(route: R, file: Blob, given: Asked<R>): Promise<Routes[R]['answer']> {
  const init = { headers: { 'Content-Type': 'application/octet-stream' }, body: file };
  return call(route, ...([given, init] as unknown as Maybe<Asked<R>, [init?: RequestInit]>));
}

/** Why a media address does not answer, for players that only know that it did not. Null: it answers, after a fresh
 * proof of who asks where it needs one. */
export async function mediaProblem(url: string): Promise<Failure | null> {
  // One byte is asked for, so that a clip that does exist is not fetched twice.
  const ask = () => send(url, { headers: { Range: 'bytes=0-0' } });
  const asked = async (response: Response): Promise<Failure | null> => {
    if (!response.ok) return readProblem(response);
    await response.body?.cancel();
    return null;
  };
  const problem = await asked(await ask());
  return problem?.code === 'proof_needed' && (await onProofNeeded()) ? asked(await ask()) : problem;
}

/** For the click on a download that may need a fresh proof of who asks: the browser would save a refusal as a file. */
export function onceProved(event: MouseEvent): void {
  const clicked = event.currentTarget as HTMLAnchorElement;
  event.preventDefault();
  const link = document.createElement('a');
  link.href = clicked.href;
  link.download = clicked.download;
  void mediaProblem(link.href)
    // What else is wrong the browser says, as of any link.
    .catch(() => null)
    .then((problem) => {
      if (problem?.code === 'proof_needed') return;
      document.body.append(link);
      link.click();
      link.remove();
    });
}
