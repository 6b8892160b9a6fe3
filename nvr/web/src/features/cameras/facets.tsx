// What the list can be narrowed to, with how many cameras each choice leaves.

import { useState } from 'preact/hooks';
import { fill, named, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { Mark, type StateKind } from '../../shared/ui/mark';
import type { Facet, ListFilter } from './list-filter';

const FEW = 8;
const KINDS = ['network', 'camera', 'server', 'policy', 'unknown'] as const;

export function Facets({
  facets,
  byKind,
  state,
  onState,
  onLabel,
  onDone,
}: {
  facets: readonly Facet[];
  byKind: ReadonlyMap<StateKind, number>;
  state: ListFilter['state'];
  onState: (state: ListFilter['state']) => void;
  onLabel: (label: string, value: string, on: boolean) => void;
  onDone: () => void;
}) {
  const { t, lang } = useWords();
  const c = t.cameras;
  const kinds = KINDS.filter((kind) => (byKind.get(kind) ?? 0) > 0 || state === kind);
  return (
    <div class="facet">
      <button type="button" class="primary only-phone" onClick={onDone}>
        {t.close}
      </button>
      {kinds.length > 0 ? (
        <>
          <h2>{c.down}</h2>
          {kinds.map((kind) => (
            <button
              key={kind}
              type="button"
              data-testid={`facet-${kind}`}
              aria-pressed={state === kind}
              onClick={() => onState(state === kind ? '' : kind)}
            >
              <Mark kind={kind}>{named(t.classes, kind) ?? t.causes.unknown}</Mark>
              <b>{format.number(byKind.get(kind) ?? 0, lang)}</b>
            </button>
          ))}
        </>
      ) : null}
      {facets.map((facet) => (
        <OneFacet key={facet.label} facet={facet} onLabel={onLabel} />
      ))}
    </div>
  );
}

function OneFacet({ facet, onLabel }: { facet: Facet; onLabel: (label: string, value: string, on: boolean) => void }) {
  const { t, lang } = useWords();
  const [all, setAll] = useState(false);
  const values = all ? facet.values : facet.values.slice(0, Math.max(FEW, facet.values.filter((v) => v.chosen).length));
  return (
    <>
      <h2>
        {named(t.report.labelNames, facet.label) ?? facet.label} <span>{facet.values.length}</span>
      </h2>
      {values.map(({ value, count, chosen }) => (
        <button
          key={value}
          type="button"
          data-testid="facet"
          data-label={facet.label}
          data-value={value}
          aria-pressed={chosen}
          onClick={() => onLabel(facet.label, value, !chosen)}
        >
          <span class="ell" translate={false}>
            {value}
          </span>
          <b>{format.number(count, lang)}</b>
        </button>
      ))}
      {facet.values.length > values.length ? (
        <button type="button" class="sub" onClick={() => setAll(true)}>
          {fill(t.gapList.more, { n: facet.values.length - values.length })}
        </button>
      ) : null}
    </>
  );
}
