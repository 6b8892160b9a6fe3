import { describe, expect, it } from 'vitest';
import { ApiError, OfflineError } from '../api/client';
import { dictionaries, fill, over, preferred, wordsOf } from '.';
import { CAUSE_VALUES, CAUSE_CLASS_VALUES } from '../api/schema';
import { causeWords, classWords, detailWords, errorWords, problemWords, stateWords } from './words';

const [en, id] = [wordsOf('en'), wordsOf('id')];

describe.each(Object.entries(dictionaries))('in %s', (_lang, t) => {
  it('every cause and class has words of its own', () => {
    expect(new Set(CAUSE_VALUES.map((cause) => causeWords(cause, t))).size).toBe(CAUSE_VALUES.length);
    for (const cause of CAUSE_VALUES) expect(causeWords(cause, t)).not.toBe(cause);
    expect(new Set(CAUSE_CLASS_VALUES.map((name) => classWords(name, t))).size).toBe(CAUSE_CLASS_VALUES.length);
  });
  it('an unknown cause of a newer server keeps its own word', () => {
    expect(causeWords('solar_storm', t)).toBe('solar_storm');
  });
});

it('a language that lacks a text has it in English', () => {
  const javanese = over(en, { name: 'Basa Jawa', login: { title: 'Mlebu' } });
  expect([javanese.name, javanese.login.title, javanese.login.user]).toEqual(['Basa Jawa', 'Mlebu', en.login.user]);
  expect(javanese.camera.shortcutRows).toEqual(en.camera.shortcutRows);
  expect(wordsOf('xx')).toEqual(en);
});

it('names in a text are filled in, and one that nobody gives stays', () => {
  expect(fill('{a} of {b}, {c}', { a: 1, b: 'two' })).toBe('1 of two, {c}');
});

it('a form goes with a number', () => {
  const text = '{n} {n:camera is|cameras are} off';
  expect([0, 1, '1', 2].map((n) => fill(text, { n }))).toEqual([
    '0 cameras are off',
    '1 camera is off',
    '1 camera is off',
    '2 cameras are off',
  ]);
});

describe('errors', () => {
  it('are shown in the server’s words, else by status', () => {
    expect(problemWords({ status: 401, code: 'bad_credentials', title: 'Salah.', detail: 'x' }, id)).toBe('Salah.');
    expect(problemWords({ status: 400, code: 'brand_new', detail: 'Say when.' }, id)).toBe('Say when.');
    expect(problemWords({ status: 502 }, en)).toContain('502');
    expect(problemWords({ status: 429, code: 'too_many_attempts' }, en)).toBe(en.tooMany);
    expect(problemWords({ status: 429, retry_after_s: 90 }, id, 'id')).toBe(
      fill(id.tooManyFor, { wait: '1 mnt 30 dtk' }),
    );
    expect(
      problemWords({ status: 400, code: 'invalid_camera', title: 'Not possible.', detail: 'url is no URL' }, en),
    ).toBe('Not possible. (url is no URL)');
    expect(errorWords(new OfflineError('x'), en)).toBe(en.offline);
    expect(errorWords(new ApiError({ status: 404, code: 'no_footage', title: 'None.' }), en)).toBe('None.');
  });
});

describe('details', () => {
  it('are text or named values, and nothing for nothing', () => {
    expect(detailWords('timed out', en)).toBe('timed out');
    expect(detailWords({ order: '027/1180/2025', error: 'refused', by: null }, en)).toBe(
      'order: 027/1180/2025; refused',
    );
    expect(detailWords({}, en)).toBe('');
    expect(detailWords(null, en)).toBe('');
  });
});

describe('states', () => {
  const status = {
    since: '',
    class: null,
    detail: null,
    recorded_until: null,
    codec: null,
    width: null,
    height: null,
    bitrate_bps: null,
    frame_rate: null,
    clock_offset_s: null,
    counters: {},
  };
  it('name the cause as soon as there is one', () => {
    expect(stateWords({ status: { ...status, state: 'recording', cause: null } }, en)).toBe('Recording');
    expect(stateWords({ status: { ...status, state: 'waiting', cause: 'stalled' } }, en)).toBe(en.causes.stalled);
    expect(stateWords({ status: { ...status, state: 'waiting', cause: null } }, en)).toBe(en.cameras.noCause);
    expect(stateWords({ status: { ...status, state: 'off', cause: null } }, en)).toBe(en.states.off);
  });
});

it('the language follows what was chosen, then what the browser prefers', () => {
  expect(preferred('en', ['id-ID'])).toBe('en');
  expect(preferred(null, ['jv', 'id-ID', 'en'])).toBe('id');
  expect(preferred(null, ['in'])).toBe('id');
  expect(preferred('xx', ['fr'])).toBe('en');
});
