// All cameras and how they are, one of ten thousand found by its name, place, provider or state. What is filtered by
// stands in the address.

import { useMemo, useRef, useState } from 'preact/hooks';
import { TopSlot } from '../../frame/top-bar';
import { href, setQuery } from '../../router';
import { may } from '../../session';
import { useFleet, type FleetRow } from '../../shared/fleet';
import { fill, named, useWords } from '../../shared/i18n';
import { errorWords } from '../../shared/i18n/words';
import type { PageProps } from '../../page-def';
import * as format from '../../shared/time/format';
import { ErrorText } from '../../shared/ui/dialog';
import { Mark } from '../../shared/ui/mark';
import { Sign } from '../../shared/ui/signs';
import { CameraGrid } from './camera-grid';
import { CameraRows } from './camera-rows';
import { Facets } from './facets';
import {
  countRows,
  facetsOf,
  filterRows,
  labelsFrom,
  labelsText,
  sortRows,
  withLabel,
  type ListFilter,
  type SortBy,
} from './list-filter';
import { PickedBar } from './picked-bar';
import './cameras.css';

const SORTS: readonly SortBy[] = ['name', 'state', 'place'];

export function CamerasPage({ me, params }: PageProps) {
  const { t, lang } = useWords();
  const c = t.cameras;
  const { rows, failure, asOf } = useFleet();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [showFacets, setShowFacets] = useState(false);
  const search = params.get('q') ?? '';
  const state = (params.get('state') ?? '') as ListFilter['state'];
  const labelsInQuery = params.get('labels');
  const sort = SORTS.find((one) => one === params.get('sort')) ?? 'name';
  const isGrid = params.get('view') === 'grid';
  const filter = useMemo<ListFilter>(
    () => ({ search, state, labels: labelsFrom(labelsInQuery) }),
    [search, state, labelsInQuery],
  );
  const all = rows ?? [];
  const shown = useMemo(() => sortRows(filterRows(all, filter), sort), [all, filter, sort]);
  const facets = useMemo(() => facetsOf(all, filter), [all, filter]);
  // The three numbers are of what the search and the labels leave, whatever state is chosen.
  const counts = useMemo(() => countRows(filterRows(all, { ...filter, state: '' })), [all, filter]);
  const anchor = useRef<string | null>(null);

  const pick = (row: FleetRow, range: boolean): void => {
    const next = new Set(picked);
    const from = range ? shown.findIndex((one) => one.id === anchor.current) : -1;
    const to = shown.findIndex((one) => one.id === row.id);
    if (from >= 0) for (const one of shown.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(one.id);
    else if (!next.delete(row.id)) next.add(row.id);
    anchor.current = row.id;
    setPicked(next);
  };
  const n = (count: number): string => format.number(count, lang);
  const number = (
    name: '' | 'recorded' | 'down' | 'off',
    count: number,
    words: string,
    kind: 'ok' | 'network' | 'decision' | null,
  ) => (
    <button
      type="button"
      data-testid={`count-${name || 'all'}`}
      data-count={count}
      aria-pressed={state === name}
      onClick={() => setQuery({ state: name || null })}
    >
      <b>{n(count)}</b>
      {kind ? <Mark kind={kind}>{words}</Mark> : words}
    </button>
  );

  return (
    <div class="cameras-page" data-testid="cameras-page">
      {may(me, 'edit_cameras') ? (
        <TopSlot>
          <span class="grow" />
          <a class="btn no-phone" href={href('admin-cameras')} data-testid="set-up">
            <Sign name="plus" /> {t.admin.addCamera}
          </a>
        </TopSlot>
      ) : null}
      <aside class={`facets${showFacets ? ' shown' : ''}`} aria-label={c.filter} tabIndex={0}>
        <Facets
          facets={facets}
          byKind={counts.byKind}
          state={state}
          onState={(next) => setQuery({ state: next || null })}
          onLabel={(label, value, on) =>
            setQuery({ labels: labelsText(withLabel(filter.labels, label, value, on)) || null })
          }
          onDone={() => setShowFacets(false)}
        />
      </aside>
      <section class="lst" aria-label={c.title}>
        <div class="counts" role="group" aria-label={c.state} data-testid="counts">
          {number('', counts.all, c.all, null)}
          {number('recorded', counts.recorded, c.recorded, 'ok')}
          {number('down', counts.down, c.down, 'network')}
          {number('off', counts.off, c.off, 'decision')}
        </div>
        <div class="tools">
          <label class="in-box">
            <Sign name="find" />
            <input
              type="search"
              data-testid="search"
              aria-label={c.search}
              placeholder={c.searchHint}
              value={search}
              onInput={(event) => setQuery({ q: event.currentTarget.value || null })}
            />
          </label>
          <button type="button" class="only-phone" data-testid="show-facets" onClick={() => setShowFacets(true)}>
            <Sign name="setup" /> {c.filter}
          </button>
          {[...filter.labels].flatMap(([label, values]) =>
            [...values].map((value) => (
              <span class="chip on" key={`${label}=${value}`} translate={false}>
                {value}
                <button
                  type="button"
                  aria-label={fill(c.without, { value })}
                  onClick={() =>
                    setQuery({ labels: labelsText(withLabel(filter.labels, label, value, false)) || null })
                  }
                >
                  <Sign name="cross" />
                </button>
              </span>
            )),
          )}
          <span class="mut nowrap" role="status" data-testid="shown" data-count={shown.length}>
            {fill(c.shown, { shown: n(shown.length), all: n(all.length) })}
          </span>
          <span class="grow" />
          {asOf !== null ? (
            <span class="cap nowrap no-phone" data-testid="as-of">
              {fill(c.asOf, { time: format.clock(asOf, lang, me.zone) })}
            </span>
          ) : null}
          <label class="no-phone">
            <span class="vh">{c.sort}</span>
            <select
              data-testid="sort"
              value={sort}
              onChange={(event) =>
                setQuery({ sort: event.currentTarget.value === 'name' ? null : event.currentTarget.value })
              }
            >
              {SORTS.map((by) => (
                <option key={by} value={by}>
                  {named(c.sorts, by)}
                </option>
              ))}
            </select>
          </label>
          <span class="seg no-phone" role="group" aria-label={c.view}>
            <button
              type="button"
              data-testid="view-list"
              aria-pressed={!isGrid}
              onClick={() => setQuery({ view: null })}
            >
              <Sign name="cameras" /> {c.list}
            </button>
            <button
              type="button"
              data-testid="view-grid"
              aria-pressed={isGrid}
              onClick={() => setQuery({ view: 'grid' })}
            >
              <Sign name="wall" /> {c.grid}
            </button>
          </span>
        </div>
        <ErrorText text={failure ? errorWords(failure, t) : null} testid="list-error" />
        {rows?.length === 0 ? (
          <p class="none" data-testid="no-cameras">
            {c.empty} {may(me, 'edit_cameras') ? <a href={href('admin-cameras')}>{c.emptyAdmin}</a> : null}
          </p>
        ) : rows && shown.length === 0 ? (
          <p class="none">{c.noMatch}</p>
        ) : rows && isGrid ? (
          <CameraGrid rows={shown} zone={me.zone} picked={picked} onPick={pick} />
        ) : rows ? (
          <CameraRows
            rows={shown}
            zone={me.zone}
            picked={picked}
            onPick={pick}
            onAll={(on) => setPicked(new Set(on ? shown.map((row) => row.id) : []))}
          />
        ) : (
          <p class="none">{failure ? '' : t.loading}</p>
        )}
        {picked.size > 0 ? (
          <PickedBar
            me={me}
            ids={all.filter((row) => picked.has(row.id)).map((row) => row.id)}
            onClear={() => setPicked(new Set())}
          />
        ) : null}
      </section>
    </div>
  );
}
