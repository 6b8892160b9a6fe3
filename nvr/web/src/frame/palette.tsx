// Ctrl+K: everything that has a name, and every moment, from one line. `?` shows the keyboard.

import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import * as api from '../shared/api/client';
import type { Case, Directive, Me } from '../shared/api/schema';
import { isFor, pageOf, PAGES } from '../pages';
import { cameraHref, goTo, href } from '../router';
import { focusKind } from '../player/keys';
import { serverNow } from '../session';
import { placeOf, useFleet } from '../shared/fleet';
import { fill, useWords } from '../shared/i18n';
import * as format from '../shared/time/format';
import { formatInstant } from '../shared/time/instant';
import { Dialog } from '../shared/ui/dialog';
import { kindOf, Mark } from '../shared/ui/mark';
import { Sign, type SignName } from '../shared/ui/signs';
import { marked, search, type Named } from './palette-search';

/** More cameras than a wall has would not be looked at together. */
const MOST_TOGETHER = 16;

export interface PaletteState {
  isOpen: 'palette' | 'keys' | null;
  open: () => void;
  close: () => void;
}

export function usePalette(): PaletteState {
  const [isOpen, setOpen] = useState<PaletteState['isOpen']>(null);
  useEffect(() => {
    const keys = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setOpen('palette');
      } else if (event.key === '?' && !focusKind(event.target).typing && !document.querySelector('dialog[open]')) {
        event.preventDefault();
        setOpen('keys');
      }
    };
    addEventListener('keydown', keys);
    return () => removeEventListener('keydown', keys);
  }, []);
  return { isOpen, open: () => setOpen('palette'), close: () => setOpen(null) };
}

interface Choice {
  href: string;
  group: string;
  sign?: SignName;
  camera?: Parameters<typeof kindOf>[0];
  text: string;
  more: string;
}

export function SearchPalette({ me, onClose }: { me: Me; onClose: () => void }) {
  const { t, lang } = useWords();
  const f = t.frame;
  const ref = useRef<HTMLDialogElement>(null);
  const list = useId();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const { rows } = useFleet();
  const [cases, setCases] = useState<Case[]>([]);
  const [orders, setOrders] = useState<Directive[]>([]);
  useEffect(() => {
    ref.current?.showModal();
    const none = (): void => undefined; // what can't be had is not found
    if (me.actions.includes('request')) api.cases().then((found) => setCases(found.cases), none);
    if (me.actions.includes('status')) api.directives('order').then(setOrders, none);
  }, []);

  const named = useMemo(() => {
    const one = (name: string, more: string, link: string): Named => ({
      text: name,
      more,
      href: link,
      search: `${name} ${more}`.toLocaleLowerCase(),
    });
    return {
      cases: cases.map((found) => one(`${found.number} ${found.title}`.trim(), found.legal_basis, caseHref(found.id))),
      letters: orders
        .filter((order) => order.letter)
        .map((order) => one(order.letter!, order.reason, href('orders', { letter: order.letter! }))),
      pages: PAGES.filter((page) => page.nav && isFor(me, page)).map((page) => one(page.title(t), '', href(page.name))),
    };
  }, [cases, orders, t, me]);
  const found = search(text, serverNow(), me.zone, { cameras: rows ?? [], ...named });

  const choices: Choice[] = [];
  if (found.at !== null && found.count > 0 && me.actions.includes('playback')) {
    const when = format.dateTime(found.at, lang, me.zone);
    const together = rows!.filter((row) => found.words.every((word) => row.text.includes(word)));
    const first = together[0]!;
    choices.push({
      group: f.playback,
      sign: 'playback',
      href: playbackHref(
        together.slice(0, MOST_TOGETHER).map((row) => row.id),
        formatInstant(found.at),
      ),
      text:
        together.length === 1
          ? fill(f.playOne, { name: first.name, time: when })
          : fill(f.playCameras, { name: first.name, n: Math.min(together.length, MOST_TOGETHER) - 1, time: when }),
      more: format.utc(found.at),
    });
  }
  for (const row of found.cameras)
    choices.push({
      group: f.cameras,
      camera: row.state === 'recorded' ? null : (row.class ?? 'unknown'),
      href: cameraHref(row.id, found.at === null ? {} : { at: formatInstant(found.at) }),
      text: row.name,
      more: placeOf(row) || row.id,
    });
  for (const place of found.places)
    choices.push({
      group: f.places,
      sign: 'map',
      href: href('cameras', { labels: `${place.label}=${place.value}` }),
      text: place.value,
      more: fill(f.camerasOf, { n: place.count }),
    });
  const others: Array<[string, SignName, Named[]]> = [
    [f.cases, 'cases', found.cases],
    [f.letters, 'orders', found.letters],
    [f.pages, 'right', found.pages],
  ];
  for (const [group, sign, items] of others)
    for (const item of items) choices.push({ group, sign, href: item.href, text: item.text, more: item.more });

  const chosen = Math.min(at, choices.length - 1);
  const keys = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setAt((chosen + step + choices.length) % Math.max(1, choices.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const choice = choices[chosen];
      if (!choice) return;
      ref.current?.close();
      goTo(choice.href);
    }
  };
  useEffect(() => {
    document.getElementById(`${list}-${chosen}`)?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);

  return (
    <dialog
      ref={ref}
      class="palette"
      data-testid="palette"
      aria-label={f.search}
      onClose={onClose}
      onClick={(event) => event.target === ref.current && ref.current?.close()}
    >
      <div class="q">
        <Sign name="find" />
        <input
          data-testid="palette-input"
          role="combobox"
          aria-expanded="true"
          aria-controls={list}
          aria-activedescendant={chosen >= 0 ? `${list}-${chosen}` : undefined}
          aria-label={f.search}
          placeholder={f.searchHint}
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={keys}
        />
        <kbd>Esc</kbd>
      </div>
      <div class="o" role="listbox" id={list} aria-label={f.search}>
        {choices.length === 0 ? <p class="none">{f.nothing}</p> : null}
        {choices.map((choice, n) => (
          <>
            {choice.group !== choices[n - 1]?.group ? <h3 role="presentation">{choice.group}</h3> : null}
            <a
              id={`${list}-${n}`}
              href={choice.href}
              role="option"
              tabIndex={-1}
              aria-selected={n === chosen}
              data-testid="palette-choice"
              onClick={() => ref.current?.close()}
            >
              {choice.sign ? <Sign name={choice.sign} /> : <Mark kind={kindOf(choice.camera ?? null)} />}
              <span class="ell">
                {marked(choice.text, found.words).map((part) => (part.hit ? <mark>{part.text}</mark> : part.text))}
              </span>
              <span class="more">{choice.more}</span>
            </a>
          </>
        ))}
      </div>
    </dialog>
  );
}

/** What the keyboard does, everywhere and where footage is watched. */
export function Keys({ onClose }: { onClose: () => void }) {
  const { t } = useWords();
  const rows = [...t.frame.shortcuts, ...t.camera.shortcutRows];
  return (
    <Dialog title={t.frame.keys} testid="keys" onClose={onClose} asks>
      <dl class="keys">
        {rows.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

function caseHref(id: string): string {
  return pageOf('case')
    ? `#${pageOf('case')!.path.replace(':id', encodeURIComponent(id))}`
    : href('cases', { case: id });
}

/** Several cameras on one clock where there is a page for that, else the first. */
export function playbackHref(ids: readonly string[], at: string | null): string {
  if (pageOf('playback') && ids.length > 0) return href('playback', { cameras: ids.join(','), at });
  return cameraHref(ids[0] ?? '', at === null ? {} : { at });
}
