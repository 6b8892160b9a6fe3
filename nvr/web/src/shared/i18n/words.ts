// The server's codes in the user's language: causes, classes, states, details and errors.

import { ApiError, OfflineError, type Failure } from '../api/client';
import { fill, named, type Lang, type Words } from '.';
import { duration } from '../time/format';
import { CAUSE_CLASS_VALUES, CAUSE_VALUES, type Camera, type Cause, type CauseClass } from '../api/schema';

/** Named values (order number, policy, person), or free text from the recorder. */
export type Detail = string | Record<string, unknown> | null;

/** A newer server may know a cause that this page does not; its own word is better than none. */
export function causeWords(cause: string, t: Words): string {
  return (CAUSE_VALUES as readonly string[]).includes(cause) ? t.causes[cause as Cause] : cause;
}

export function classWords(name: string, t: Words): string {
  return (CAUSE_CLASS_VALUES as readonly string[]).includes(name) ? t.classes[name as CauseClass] : name;
}

export function stateWords(camera: Pick<Camera, 'status'>, t: Words): string {
  const { state, cause } = camera.status;
  if (state === 'recording') return t.states.recording;
  if (cause) return causeWords(cause, t);
  return state === 'off' ? t.states.off : t.cameras.noCause;
}

export function detailWords(detail: Detail | undefined, t: Words): string {
  if (!detail) return '';
  if (typeof detail === 'string') return detail;
  return (
    Object.entries(detail)
      // Shown as such, in the user's language.
      .filter(([key]) => key !== 'class')
      // The whole list is in the report; here the longest of the causes stands for it.
      .filter(([key, value]) => value !== null && value !== undefined && value !== '' && key !== 'original_causes')
      .map(([key, value]) => {
        const text =
          key === 'original_cause'
            ? causeWords(String(value), t)
            : key === 'also'
              ? alsoWords(value, t)
              : typeof value === 'object'
                ? JSON.stringify(value)
                : String(value);
        // Free text needs no name in front of it; a bare number or order does.
        return key === 'error' || key === 'message' || key === 'text' || key === 'detail'
          ? text
          : `${named(t.details, key) ?? key}: ${text}`;
      })
      .join('; ')
  );
}

/** Other decisions in force: by letter where there is one, else by what they are. */
function alsoWords(value: unknown, t: Words): string {
  if (!Array.isArray(value)) return String(value);
  return value
    .map(
      (other: Record<string, unknown>) =>
        `${causeWords(String(other['cause']), t)}${other['letter'] ? ` ${String(other['letter'])}` : ''}`,
    )
    .join(', ');
}

/** Codes that say only in which field of many something is wrong; the error's detail says what. */
const VAGUE = new Set([
  'invalid_request',
  'missing_parameter',
  'invalid_parameter',
  'invalid_camera',
  'invalid_account',
  'invalid_selection',
  'invalid_directive',
  'invalid_attachment',
  'invalid_table',
  'invalid_cut',
  'weak_password',
  'range_too_long',
  'internal',
]);

export function problemWords(problem: Failure, t: Words, lang: Lang = 'en'): string {
  const { code, title, detail } = problem;
  if (problem.status === 429)
    return problem.retry_after_s ? fill(t.tooManyFor, { wait: duration(problem.retry_after_s, lang) }) : t.tooMany;
  // Both in the language of the page, which asks for it (api/routes.ts).
  if (title) return detail && code && VAGUE.has(code) ? `${title} (${detail})` : title;
  return detail ?? fill(t.requestFailed, { status: problem.status });
}

export function errorWords(error: unknown, t: Words, lang: Lang = 'en'): string {
  if (error instanceof ApiError) return problemWords(error.problem, t, lang);
  if (error instanceof OfflineError) return t.offline;
  return error instanceof Error ? error.message : String(error);
}
