// Searching marks: what devices reported and analyses saw, by kind, camera and time; each leads to its footage.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { href, setQuery } from '../../router';
import { serverNow } from '../../session';
import type { PageProps } from '../../page-def';
import type { CameraMark, MarkList } from '../../shared/api/schema';
import { hasWords, useFleet, wordsIn } from '../../shared/fleet';
import { useWords, type Lang } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { formatInstant, HOUR, parseInstant, SECOND, type Instant } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { TextField } from '../../shared/ui/form';
import { Table } from '../../shared/ui/table';
import { TimeField } from '../../shared/ui/time-field';
import { kindWords } from './mark-words';

const MOST_ROWS = 500;
/** Footage a moment before it began is what one wants to see. */
const BEFORE_MS = 3 * SECOND;

export function MarksPage({ me, params }: PageProps) {
  const { t, lang } = useWords();
  const m = t.marks;
  const zone = me.zone;
  const fleet = useFleet();
  const [where, setWhere] = useState(params.get('where') ?? '');
  const [kind, setKind] = useState(params.get('kind') ?? '');
  const [end, setEnd] = useState<Instant>(() => momentOf(params.get('end')) ?? serverNow());
  const [start, setStart] = useState<Instant>(() => momentOf(params.get('start')) ?? serverNow() - HOUR);
  const [found, setFound] = useState<MarkList | null>(null);
  const action = useAction();
  const ask = (): void => {
    setQuery({ where: where.trim(), kind, start: formatInstant(start), end: formatInstant(end) });
    void action.run(async () => setFound(await api.marks({ kinds: kind ? [kind] : [], start, end })));
  };
  useEffect(() => {
    document.title = `${m.title} – nvr`;
    ask();
  }, []);
  const words = wordsIn(where);
  const rows = (found?.marks ?? []).filter((one) => {
    const row = fleet.byId.get(one.camera);
    return words.length === 0 || (row ? hasWords(row, words) : words.every((word) => one.camera.includes(word)));
  });
  return (
    <div data-testid="marks-page">
      <header class="page-head">
        <h1>{m.title}</h1>
      </header>
      <p class="muted">{m.text}</p>
      <form
        class="panel report-form"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <Field label={m.kind}>
          {(a) => (
            <select {...a} data-testid="marks-kind" value={kind} onChange={(event) => setKind(valueOf(event))}>
              <option value="">{m.allKinds}</option>
              {Object.entries(m.kinds).map(([name, text]) => (
                <option key={name} value={name}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField label={m.where} type="search" data-testid="marks-where" value={where} onValue={setWhere} />
        <TimeField label={m.start} at={start} zone={zone} testid="marks-start" onAt={setStart} />
        <TimeField label={m.end} at={end} zone={zone} testid="marks-end" onAt={setEnd} />
        <div class="actions">
          <button type="submit" class="primary" data-testid="marks-ask" disabled={action.busy}>
            {m.ask}
          </button>
        </div>
      </form>
      <ErrorText text={action.error} testid="marks-error" />
      {found && rows.length === 0 ? (
        <p class="panel" data-testid="no-marks">
          {m.none}
        </p>
      ) : null}
      {rows.length > 0 ? (
        <Table panel testid="marks" heads={[m.time, m.camera, m.kind, m.length, m.source]}>
          {rows.slice(0, MOST_ROWS).map((one) => (
            <Row
              key={one.id}
              mark={one}
              name={fleet.byId.get(one.camera)?.name ?? one.camera}
              zone={zone}
              lang={lang}
            />
          ))}
        </Table>
      ) : null}
      {found && (!found.is_whole || rows.length > MOST_ROWS) ? <p class="muted">{m.more}</p> : null}
    </div>
  );
}

function Row({ mark, name, zone, lang }: { mark: CameraMark; name: string; zone: string; lang: Lang }) {
  const { t } = useWords();
  const m = t.marks;
  const start = parseInstant(mark.start);
  const seconds = Math.round((parseInstant(mark.end) - start) / SECOND);
  return (
    <tr data-testid="mark-row" data-kind={mark.kind}>
      <td data-label={m.time}>
        <a href={href('playback', { cameras: mark.camera, at: formatInstant(start - BEFORE_MS) })}>
          {format.dateTime(start, lang, zone)}
        </a>
      </td>
      <td data-label={m.camera} translate={false}>
        {name}
      </td>
      <td data-label={m.kind}>
        {kindWords(mark.kind, t)}
        {mark.count > 1 ? ` × ${format.number(mark.count, lang)}` : ''}{' '}
        <span class="muted break">{mark.label || mark.topic}</span>
      </td>
      <td data-label={m.length}>{mark.is_on ? m.goesOn : seconds > 0 ? format.duration(seconds, lang) : '–'}</td>
      <td data-label={m.source}>
        {mark.source === 'camera' ? m.ofCamera : `${mark.source} ${mark.version}`}
        {mark.score === null ? '' : ` (${format.percent(mark.score, 1, lang)})`}
      </td>
    </tr>
  );
}

function momentOf(text: string | null): Instant | null {
  try {
    return parseInstant(text ?? '');
  } catch {
    return null;
  }
}
