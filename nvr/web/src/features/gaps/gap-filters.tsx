// What a report is about: the range in one row with the documents, more filters where they are wanted. What is chosen
// stands as chips.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { CAUSE_CLASS_VALUES, CAUSE_VALUES } from '../../shared/api/schema';
import { hasWords, placeOf, useFleet, wordsIn } from '../../shared/fleet';
import { fill, named, useWords } from '../../shared/i18n';
import { causeWords, classWords } from '../../shared/i18n/words';
import { serverNow } from '../../session';
import * as format from '../../shared/time/format';
import { HOUR, MINUTE, type Instant } from '../../shared/time/instant';
import { dateOf, dayBounds } from '../../shared/time/zone';
import { Field, valueOf } from '../../shared/ui/field';
import { Sign } from '../../shared/ui/signs';
import { TimeField } from '../../shared/ui/time-field';
import { offeredTerms } from '../cameras/label-query';
import { OfferBox } from '../cameras/offer-box';

const MOST_OFFERED = 8;
const LENGTHS = [
  ['last24', 24],
  ['last7', 168],
  ['last30', 720],
] as const;

export interface GapsAsked {
  start: Instant;
  end: Instant;
  /** Of those that end now; 0: from and to were chosen. */
  hours: number;
  cameras: readonly string[];
  /** `label=value`, or ''. */
  group: string;
  cause: string;
  class: string;
  fold_s: number;
}

export function minuteNow(): Instant {
  return Math.floor(serverNow() / MINUTE) * MINUTE;
}

export function lastHours(hours: number): { start: Instant; end: Instant; hours: number } {
  const end = minuteNow();
  return { start: end - hours * HOUR, end, hours };
}

export function GapFilters({
  asked,
  query,
  zone,
  onAsk,
}: {
  asked: GapsAsked;
  query: api.GapQuery;
  zone: string;
  onAsk: (change: Partial<GapsAsked>) => void;
}) {
  const { t, lang } = useWords();
  const r = t.report;
  const { byId } = useFleet();
  const [open, setOpen] = useState(false);
  const valid = asked.end > asked.start;
  const chips: Array<[key: keyof GapsAsked, text: string, none: Partial<GapsAsked>]> = [];
  if (asked.cameras.length > 0)
    chips.push([
      'cameras',
      asked.cameras.length > 2
        ? fill(t.orders.chosen, { n: format.number(asked.cameras.length, lang) })
        : asked.cameras.map((id) => byId.get(id)?.name || id).join(', '),
      { cameras: [] },
    ]);
  if (asked.group) chips.push(['group', labelWords(asked.group, r.labelNames), { group: '' }]);
  if (asked.cause) chips.push(['cause', causeWords(asked.cause, t), { cause: '' }]);
  if (asked.class) chips.push(['class', classWords(asked.class, t), { class: '' }]);
  return (
    <form class="gap-filters" data-testid="gap-form" onSubmit={(event) => event.preventDefault()}>
      <div class="gap-bar">
        <span class="seg" role="group" aria-label={r.range}>
          {LENGTHS.map(([name, hours]) => (
            <button
              key={name}
              type="button"
              data-testid={`gap-${name}`}
              aria-pressed={asked.hours === hours}
              onClick={() => onAsk(lastHours(hours))}
            >
              {r[name]}
            </button>
          ))}
          <button
            type="button"
            data-testid="gap-today"
            aria-pressed={asked.hours === -1}
            onClick={() =>
              onAsk({ start: dayBounds(dateOf(serverNow(), zone), zone).start, end: minuteNow(), hours: -1 })
            }
          >
            {r.today}
          </button>
        </span>
        <span class="mut nowrap no-phone">{valid ? format.period(asked.start, asked.end, lang, zone) : ''}</span>
        {chips.length === 0 ? <span class="chip on">{r.allCameras}</span> : null}
        {chips.map(([key, text, none]) => (
          <span key={key} class="chip on">
            {text}
            <button
              type="button"
              aria-label={fill(t.cases.removeCamera, { name: text })}
              data-testid={`gap-no-${key}`}
              onClick={() => onAsk(none)}
            >
              <Sign name="cross" />
            </button>
          </span>
        ))}
        <button
          type="button"
          class="btn quiet"
          data-testid="gap-more"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          <Sign name={open ? 'minus' : 'plus'} /> {t.cameras.filter}
        </button>
        <span class="grow" />
        {valid ? (
          <>
            <a class="btn" data-testid="gap-csv" href={api.gapsUrl(query, 'csv', { lang })} download>
              CSV
            </a>
            <a class="btn" data-testid="gap-html" href={api.gapsUrl(query, 'html', { lang })} download>
              HTML
            </a>
            <a class="btn" data-testid="gap-pdf" href={api.gapsUrl(query, 'pdf', { lang })} download>
              <Sign name="file" /> {r.document}
            </a>
          </>
        ) : null}
      </div>
      {open ? <MoreFilters asked={asked} zone={zone} onAsk={onAsk} /> : null}
    </form>
  );
}

function labelWords(group: string, names: object): string {
  const at = group.indexOf('=');
  const label = group.slice(0, at);
  return `${named(names, label) ?? label} = ${group.slice(at + 1)}`;
}

function MoreFilters({
  asked,
  zone,
  onAsk,
}: {
  asked: GapsAsked;
  zone: string;
  onAsk: (change: Partial<GapsAsked>) => void;
}) {
  const { t, lang } = useWords();
  const r = t.report;
  const { rows, byId } = useFleet();
  const known = rows ?? [];
  return (
    <div class="gap-more">
      <TimeField
        label={r.from}
        error={asked.end > asked.start ? null : t.clip.invalid}
        at={asked.start}
        zone={zone}
        testid="gap-start"
        onAt={(start) => onAsk({ start, hours: 0 })}
      />
      <TimeField label={r.to} at={asked.end} zone={zone} testid="gap-end" onAt={(end) => onAsk({ end, hours: 0 })} />
      <OfferBox
        label={r.cameras}
        chips={asked.cameras.map((id) => ({ key: id, text: byId.get(id)?.name || id }))}
        testid="gap-cameras"
        offers={(text) =>
          known
            .filter((row) => !asked.cameras.includes(row.id) && hasWords(row, wordsIn(text)))
            .slice(0, MOST_OFFERED)
            .map((row) => ({ key: row.id, text: row.name || row.id, more: placeOf(row) }))
        }
        onTake={({ key }) => onAsk({ cameras: [...asked.cameras, key] })}
        onRemove={(key) => onAsk({ cameras: asked.cameras.filter((id) => id !== key) })}
      />
      <OfferBox
        label={r.group}
        chips={asked.group ? [{ key: asked.group, text: labelWords(asked.group, r.labelNames) }] : []}
        testid="gap-group"
        offers={(text) =>
          offeredTerms(wordsIn(text), known, MOST_OFFERED).map(({ label, value, cameras }) => ({
            key: `${label}=${value}`,
            text: `${named(r.labelNames, label) ?? label} = ${value}`,
            more: format.number(cameras, lang),
          }))
        }
        onTake={({ key }) => onAsk({ group: key })}
        onTyped={(text) => {
          if (!/^\s*[^=]+=\s*\S/.test(text)) return false;
          onAsk({ group: text.trim() });
          return true;
        }}
        onRemove={() => onAsk({ group: '' })}
      />
      <Field label={r.cause}>
        {(a) => (
          <select {...a} data-testid="gap-cause" value={asked.cause} onChange={(e) => onAsk({ cause: valueOf(e) })}>
            <option value="">{r.anyCause}</option>
            {CAUSE_VALUES.map((name) => (
              <option key={name} value={name}>
                {causeWords(name, t)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label={r.class}>
        {(a) => (
          <select {...a} data-testid="gap-class" value={asked.class} onChange={(e) => onAsk({ class: valueOf(e) })}>
            <option value="">{r.anyClass}</option>
            {CAUSE_CLASS_VALUES.map((name) => (
              <option key={name} value={name}>
                {classWords(name, t)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label={r.fold} hint={r.foldHint}>
        {(a) => (
          <input
            {...a}
            type="number"
            min="0"
            step="1"
            data-testid="gap-fold"
            value={String(asked.fold_s)}
            onInput={(e) => onAsk({ fold_s: Math.max(0, Number(valueOf(e)) || 0) })}
          />
        )}
      </Field>
    </div>
  );
}
