// Choosing cameras: by a label query, by ids, or by a CSV list.

import { useWords } from '../../shared/i18n';
import type { Choice } from '../../shared/api/client';
import { Field, valueOf } from '../../shared/ui/field';
import { readIds } from '../gaps/report-sums';

export interface Chosen {
  way: 'where' | 'ids' | 'csv';
  where: string;
  ids: string;
  file: File | null;
}

export const NOTHING_CHOSEN: Chosen = { way: 'where', where: '', ids: '', file: null };

/** Null while nothing is chosen. */
export async function readChoice(chosen: Chosen): Promise<Choice | null> {
  if (chosen.way === 'where') return chosen.where.trim() ? { where: chosen.where.trim() } : null;
  if (chosen.way === 'ids') return readIds(chosen.ids).length > 0 ? { cameras: readIds(chosen.ids) } : null;
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
  return (
    <>
      <Field label={o.choose}>
        {(f) => (
          <select
            {...f}
            data-testid="choice-way"
            value={chosen.way}
            onChange={(e) => onChange({ ...chosen, way: valueOf(e) as Chosen['way'] })}
          >
            <option value="where">{o.byLabel}</option>
            <option value="ids">{o.byId}</option>
            <option value="csv">{o.byList}</option>
          </select>
        )}
      </Field>
      {chosen.way === 'where' ? (
        <Field label={o.where} hint={o.whereHint} error={error}>
          {(f) => (
            <input
              {...f}
              data-testid="choice-where"
              value={chosen.where}
              onInput={(e) => onChange({ ...chosen, where: valueOf(e) })}
            />
          )}
        </Field>
      ) : null}
      {chosen.way === 'ids' ? (
        <Field label={o.ids} hint={o.idsHint} error={error}>
          {(f) => (
            <input
              {...f}
              data-testid="choice-ids"
              value={chosen.ids}
              onInput={(e) => onChange({ ...chosen, ids: valueOf(e) })}
            />
          )}
        </Field>
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
