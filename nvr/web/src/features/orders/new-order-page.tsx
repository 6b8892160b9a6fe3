// A new order: which cameras and when, beside it at once what that does, then its letter. Invariant: what is entered
// is the dry run that was shown; where the server finds another, that is shown first.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { PageProps } from '../../page-def';
import { goTo, href } from '../../router';
import * as api from '../../shared/api/client';
import type { NewOrder, OrderPreview } from '../../shared/api/schema';
import { fleet, refreshFleet, useFleet } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { formatInstant, type Instant } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { Sign } from '../../shared/ui/signs';
import { Steps } from '../../shared/ui/steps';
import { TimeField } from '../../shared/ui/time-field';
import { toast } from '../../shared/ui/toast';
import { ChoiceFields, NOTHING_CHOSEN, readChoice, type Chosen } from '../cameras/choice';
import { OrderImpact } from './order-impact';
import { NEEDED, NO_LETTER, OrderLetter, type OrderDocument } from './order-letter';
import { orderSums } from './order-sums';
import './orders.css';

const SETTLED_MS = 400;

interface Times {
  start: Instant | null;
  expected_end: Instant | null;
  local_copy_until: Instant | null;
}

/** What somebody decides by: another number here must be looked at again. */
function saysSame(a: OrderPreview, b: OrderPreview): boolean {
  const said = (p: OrderPreview): string =>
    JSON.stringify([p.cameras, p.disabled_before, p.cases.map(({ id }) => id), p.holds.map(({ id }) => id)]);
  return said(a) === said(b);
}

export function NewOrderPage({ me, params }: PageProps) {
  const { t, lang } = useWords();
  const o = t.orders;
  const { zone } = me;
  const { rows } = useFleet();
  const [chosen, setChosen] = useState<Chosen>(() => {
    const ids = (params.get('cameras') ?? '').split(',').filter(Boolean);
    return ids.length > 0 ? { ...NOTHING_CHOSEN, way: 'ids', ids } : NOTHING_CHOSEN;
  });
  const [times, setTimes] = useState<Times>({ start: null, expected_end: null, local_copy_until: null });
  const [shown, setShown] = useState<OrderPreview | null>(null);
  const [letter, setLetter] = useState<OrderDocument>(NO_LETTER);
  const [atLetter, setAtLetter] = useState(false);
  const [changed, setChanged] = useState(false);
  const [tried, setTried] = useState(false);
  const looking = useAction();
  const entering = useAction();
  const asked = useRef(0);

  const draftOf = async (): Promise<NewOrder | null> => {
    const choice = await readChoice(chosen);
    if (!choice) return null;
    const draft: NewOrder = { ...choice, letter: '', reason: '', approver: '' };
    for (const key of ['start', 'expected_end', 'local_copy_until'] as const)
      if (times[key] !== null) draft[key] = formatInstant(times[key]);
    return draft;
  };
  // What it does stands beside the choice, a moment after each change of it.
  useEffect(() => {
    const mine = ++asked.current;
    setShown(null);
    setAtLetter(false);
    const timer = setTimeout(
      () =>
        void looking.run(async () => {
          const draft = await draftOf();
          const preview = draft && (await api.previewOrder(draft));
          if (mine === asked.current) setShown(preview);
        }),
      SETTLED_MS,
    );
    return () => clearTimeout(timer);
  }, [chosen, times]);

  const sums = useMemo(() => orderSums(shown?.cameras ?? [], rows ?? []), [shown, rows]);
  const enter = async (): Promise<void> => {
    setTried(true);
    if (!shown || NEEDED.some((key) => letter[key].trim() === '')) return;
    await entering.run(async () => {
      const draft = (await draftOf())!;
      for (const key of NEEDED) draft[key] = letter[key].trim();
      if (letter.letter_date) draft.letter_date = letter.letter_date;
      if (letter.file) {
        draft.attachment = (await api.uploadAttachment(letter.file)).sha256;
        draft.attachment_name = letter.file.name;
      }
      const preview = await api.previewOrder(draft);
      if (!saysSame(preview, shown)) {
        setShown(preview);
        setLetter({ ...letter, isRead: false, areAsked: false });
        setChanged(true);
        setAtLetter(false);
        return;
      }
      await api.enterOrder(draft, preview.plan_hash);
      refreshFleet();
      toast({ text: fill(o.entered, { letter: draft.letter }) });
      goTo(href('orders', { letter: draft.letter }));
    });
  };
  const isReady = letter.isRead && (letter.areAsked || (shown?.cases.length ?? 0) === 0);
  const time = (key: keyof Times) => (at: Instant) => setTimes({ ...times, [key]: at });
  const none = (key: keyof Times) => () => setTimes({ ...times, [key]: null });
  return (
    <div class={`new-order${atLetter ? ' at-letter' : ''}`} data-testid="new-order">
      <header class="order-steps">
        <Steps
          names={[o.cameras, o.stepImpact, o.stepLetter]}
          current={atLetter ? 2 : shown ? 1 : 0}
          onStep={() => setAtLetter(false)}
        />
      </header>
      <div class="order-middle">
        <section class="order-choice" aria-label={o.cameras}>
          <h2>
            {o.cameras}{' '}
            <span class="faint count" role="status" data-testid="order-count">
              {shown ? fill(o.chosen, { n: format.number(shown.cameras.length, lang) }) : ''}
            </span>
          </h2>
          <ChoiceFields chosen={chosen} error={null} onChange={setChosen} />
          <div class="two">
            <TimeField
              label={o.start}
              hint={o.startHint}
              at={times.start}
              zone={zone}
              testid="order-start"
              onAt={time('start')}
              onNone={none('start')}
            />
            <TimeField
              label={o.expectedEnd}
              hint={o.expectedEndHint}
              at={times.expected_end}
              zone={zone}
              testid="order-expected-end"
              onAt={time('expected_end')}
              onNone={none('expected_end')}
            />
          </div>
          <TimeField
            label={o.localCopy}
            at={times.local_copy_until}
            zone={zone}
            testid="order-local-copy"
            onAt={time('local_copy_until')}
            onNone={none('local_copy_until')}
          />
          <p class="note decision">
            <Sign name="info" />
            <span>{o.kindTexts.order}</span>
          </p>
        </section>
        <section class="order-told" tabIndex={0} aria-label={atLetter ? o.stepLetter : o.stepImpact}>
          <ErrorText text={looking.error ?? entering.error} testid="form-error" />
          {changed && !atLetter ? (
            <p class="note network" role="alert" data-testid="order-changed">
              <Sign name="warn" /> <span>{o.changed}</span>
            </p>
          ) : null}
          {atLetter && shown ? (
            <OrderLetter
              letter={letter}
              tried={tried}
              zone={zone}
              cameras={shown.cameras.length}
              cases={shown.cases.length}
              citizens={sums.citizens}
              pictures={sums.publicChosen}
              expectedEnd={times.expected_end}
              onLetter={setLetter}
            />
          ) : shown ? (
            <OrderImpact preview={shown} zone={zone} />
          ) : (
            <p class="mut" role="status">
              {looking.busy ? t.loading : o.chooseFirst}
            </p>
          )}
        </section>
      </div>
      <footer class="order-foot">
        {atLetter ? (
          <button type="button" class="btn quiet" data-testid="order-back" onClick={() => setAtLetter(false)}>
            <Sign name="left" /> <span>{o.stepImpact}</span>
          </button>
        ) : (
          <a class="btn quiet" href={href('orders')} aria-label={o.title}>
            <Sign name="left" /> <span class="back-words">{o.title}</span>
          </a>
        )}
        <span class="grow" />
        <span class="cap no-phone">{o.nothingYet}</span>
        {shown && shown.cameras.length > 0 ? (
          <button type="button" class="no-phone" data-testid="order-csv" onClick={() => saveList(shown.cameras)}>
            {fill(o.listOf, { n: format.number(shown.cameras.length, lang) })}
          </button>
        ) : null}
        {atLetter ? (
          <button
            type="button"
            class="primary"
            data-testid="order-confirm"
            disabled={!isReady || entering.busy}
            onClick={() => void enter()}
          >
            {entering.busy ? t.loading : o.confirm}
          </button>
        ) : (
          <button
            type="button"
            class="primary"
            data-testid="order-next"
            disabled={!shown || shown.cameras.length === 0}
            onClick={() => {
              setChanged(false);
              setAtLetter(true);
            }}
          >
            {o.toLetter}
          </button>
        )}
      </footer>
    </div>
  );
}

/** The cameras as a file that can be chosen by again. */
function saveList(ids: readonly string[]): void {
  const { byId } = fleet.get();
  const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const lines = ids.map(
    (id) => `${id};${cell(byId.get(id)?.name ?? '')};${cell(byId.get(id)?.labels['district'] ?? '')}`,
  );
  const address = URL.createObjectURL(new Blob([`id;name;district\n${lines.join('\n')}\n`], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = 'cameras.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
