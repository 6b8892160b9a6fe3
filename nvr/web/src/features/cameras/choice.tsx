// Choosing cameras: by their labels, by their names, or by a CSV list.

import type { Choice } from '../../shared/api/client';
import { hasWords, placeOf, useFleet, wordsIn } from '../../shared/fleet';
import { fill, named, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { Field } from '../../shared/ui/field';
import { Sign } from '../../shared/ui/signs';
import {
  BY_CAMERA,
  labelQuery,
  NO_LABELS,
  offeredTerms,
  typedTerm,
  withTerm,
  type LabelTerms,
  type Term,
} from './label-query';
import { OfferBox, type Chip } from './offer-box';

export interface Chosen {
  way: 'where' | 'ids' | 'csv';
  labels: LabelTerms;
  ids: readonly string[];
  file: File | null;
}

export const NOTHING_CHOSEN: Chosen = { way: 'where', labels: NO_LABELS, ids: [], file: null };
const WAYS = ['where', 'ids', 'csv'] as const;
const MOST_OFFERED = 8;
const MOST_CHIPS = 40;

/** Null while nothing is chosen. */
export async function readChoice(chosen: Chosen): Promise<Choice | null> {
  if (chosen.way === 'where') {
    const where = labelQuery(chosen.labels);
    return where ? { where } : null;
  }
  if (chosen.way === 'ids') return chosen.ids.length > 0 ? { cameras: [...chosen.ids] } : null;
  return chosen.file ? { csv: await chosen.file.text() } : null;
}

export function ChoiceFields({
  chosen,
  error,
  onChange,
}: {
  chosen: Chosen;
  error: string | null;
  onChange: (chosen: Chosen) => void;
}) {
  const { t } = useWords();
  const o = t.orders;
  const words = { where: o.byLabel, ids: o.byName, csv: o.byList };
  return (
    <>
      <div class="seg choice-way" role="group" aria-label={o.choose}>
        {WAYS.map((way) => (
          <button
            key={way}
            type="button"
            data-testid={`choice-way-${way}`}
            aria-pressed={chosen.way === way}
            onClick={() => onChange({ ...chosen, way })}
          >
            {words[way]}
          </button>
        ))}
      </div>
      {chosen.way === 'where' ? (
        <LabelFields labels={chosen.labels} error={error} onChange={(labels) => onChange({ ...chosen, labels })} />
      ) : null}
      {chosen.way === 'ids' ? (
        <NameField ids={chosen.ids} error={error} onChange={(ids) => onChange({ ...chosen, ids })} />
      ) : null}
      {chosen.way === 'csv' ? (
        <Field label={o.list} hint={o.listHint} error={error}>
          {(f) => (
            <input
              {...f}
              type="file"
              accept=".csv,text/csv,text/plain"
              data-testid="choice-csv"
              onChange={(e) => onChange({ ...chosen, file: e.currentTarget.files?.[0] ?? null })}
            />
          )}
        </Field>
      ) : null}
    </>
  );
}

function LabelFields({
  labels,
  error,
  onChange,
}: {
  labels: LabelTerms;
  error: string | null;
  onChange: (labels: LabelTerms) => void;
}) {
  const { t, lang } = useWords();
  const o = t.orders;
  const { rows, byId } = useFleet();
  const known = rows ?? [];
  const said = (label: string): string => named(t.report.labelNames, label) ?? label;
  const chipsOf = (terms: readonly Term[]): Chip[] =>
    terms.map((term) => ({
      key: term.label,
      text:
        term.label === BY_CAMERA
          ? term.values.map((id) => byId.get(id)?.name || id).join(', ')
          : `${said(term.label)} = ${term.values.join(', ')}`,
    }));
  const ofLabels = (text: string): Chip[] =>
    offeredTerms(wordsIn(text), known, MOST_OFFERED).map(({ label, value, cameras }) => ({
      key: `${label}\n${value}`,
      text: `${said(label)} = ${value}`,
      more: format.number(cameras, lang),
    }));
  const ofCameras = (text: string): Chip[] =>
    known
      .filter((row) => hasWords(row, wordsIn(text)))
      .slice(0, MOST_OFFERED)
      .map((row) => ({ key: `${BY_CAMERA}\n${row.id}`, text: row.name || row.id, more: placeOf(row) }));
  const change = (which: 'having' | 'without', terms: readonly Term[]): void => onChange({ ...labels, [which]: terms });
  const take =
    (which: 'having' | 'without') =>
    ({ key }: Chip): void => {
      const [label, value] = key.split('\n') as [string, string];
      change(which, withTerm(labels[which], label, value));
    };
  const typed =
    (which: 'having' | 'without') =>
    (text: string): boolean => {
      const term = typedTerm(text, known);
      if (term) change(which, withTerm(labels[which], term.label, term.value));
      return term !== null;
    };
  const remove =
    (which: 'having' | 'without') =>
    (key: string): void =>
      change(
        which,
        labels[which].filter((term) => term.label !== key),
      );
  return (
    <>
      <label class="check">
        <input
          type="checkbox"
          data-testid="choice-all"
          checked={labels.all}
          onChange={(event) => onChange({ ...labels, all: event.currentTarget.checked })}
        />
        <span>{fill(o.allCameras, { n: rows ? format.number(rows.length, lang) : '–' })}</span>
      </label>
      <OfferBox
        label={o.having}
        hint={o.havingHint}
        error={error}
        chips={chipsOf(labels.having)}
        testid="choice-where"
        offers={ofLabels}
        onTake={take('having')}
        onTyped={typed('having')}
        onRemove={remove('having')}
      />
      <OfferBox
        label={o.without}
        chips={chipsOf(labels.without)}
        testid="choice-without"
        offers={(text) => [...ofLabels(text), ...ofCameras(text)].slice(0, MOST_OFFERED)}
        onTake={take('without')}
        onTyped={typed('without')}
        onRemove={remove('without')}
      />
    </>
  );
}

function NameField({
  ids,
  error,
  onChange,
}: {
  ids: readonly string[];
  error: string | null;
  onChange: (ids: string[]) => void;
}) {
  const { t, lang } = useWords();
  const { rows, byId } = useFleet();
  const nameOf = (id: string): string => byId.get(id)?.name || id;
  return (
    <>
      <OfferBox
        label={t.orders.cameras}
        hint={t.cases.camerasByName}
        error={error}
        chips={ids.slice(0, MOST_CHIPS).map((id) => ({ key: id, text: nameOf(id) }))}
        testid="choice-names"
        offers={(text) =>
          (rows ?? [])
            .filter((row) => !ids.includes(row.id) && hasWords(row, wordsIn(text)))
            .slice(0, MOST_OFFERED)
            .map((row) => ({ key: row.id, text: row.name || row.id, more: placeOf(row) }))
        }
        onTake={({ key }) => onChange([...ids, key])}
        onRemove={(key) => onChange(ids.filter((id) => id !== key))}
      />
      {ids.length > MOST_CHIPS ? (
        <p class="hint">
          {fill(t.orders.more, { n: format.number(ids.length - MOST_CHIPS, lang) })}{' '}
          <button type="button" class="link" onClick={() => onChange([])}>
            <Sign name="cross" /> {t.cameras.clear}
          </button>
        </p>
      ) : null}
    </>
  );
}
