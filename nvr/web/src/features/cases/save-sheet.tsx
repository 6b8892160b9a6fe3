// What is on the screen, saved: three plain choices for its range and all its cameras. Nothing is asked that the screen
// knows, and nothing is offered that ends in a refusal.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { objectHref, href } from '../../router';
import { may } from '../../session';
import type { Case, Me } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import type { Instant } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { Dialog, ErrorText } from '../../shared/ui/dialog';
import { Field } from '../../shared/ui/field';
import { FormActions, TextField } from '../../shared/ui/form';
import { toast } from '../../shared/ui/toast';
import { problemWords } from '../../shared/i18n/words';
import type { NamedCamera } from './camera-chips';
import './cases.css';

type Way = 'case' | 'clip' | 'sealed';
const NEW = 'new';

interface SaveProps {
  me: Me;
  cameras: readonly NamedCamera[];
  range: { start: Instant; end: Instant };
  onClose: () => void;
}

/** The ways that lead somewhere for whoever looks. */
export function waysOf(me: Me): Way[] {
  return [
    ...(may(me, 'request') ? (['case'] as const) : []),
    ...(may(me, 'clip') ? (['clip'] as const) : []),
    ...(may(me, 'export') && !me.second_person ? (['sealed'] as const) : []),
  ];
}

export function SaveSheet({ me, cameras, range, onClose }: SaveProps) {
  const { t, lang } = useWords();
  const s = t.saving;
  const ways = waysOf(me);
  const [way, setWay] = useState<Way>(ways[0] ?? 'clip');
  const [open, setOpen] = useState<Case[]>([]);
  const [chosen, setChosen] = useState(NEW);
  const [number, setNumber] = useState('');
  const [basis, setBasis] = useState('');
  const [purpose, setPurpose] = useState('');
  const action = useAction();
  useEffect(() => {
    if (!may(me, 'request')) return;
    api.cases().then(
      ({ cases }) => {
        const usable = cases.filter((item) => item.closed === null);
        setOpen(usable);
        if (usable[0]) setChosen(usable[0].id);
      },
      () => undefined, // a new case can be opened all the same
    );
  }, []);
  const ids = cameras.map((one) => one.id);
  const isNew = chosen === NEW;
  const run = async (): Promise<void> => {
    if (way === 'case') {
      const id = isNew ? (await api.openCase(number.trim(), basis.trim(), '')).id : chosen;
      await api.askForFootage(id, ids, range.start, range.end, purpose.trim());
      toast({ text: s.asked, href: objectHref('case', id) });
    } else if (way === 'sealed') {
      const found = open.find((item) => item.id === chosen);
      await api.makeExport(ids, range.start, range.end, {
        case: found?.number ?? number.trim(),
        legal_basis: found?.legal_basis ?? basis.trim(),
        purpose: purpose.trim(),
        requester: '',
      });
      toast({ text: s.sealing, href: href('exports') });
    } else {
      for (const id of ids) await download(id);
      toast({ text: fill(s.saved, { n: ids.length }) });
    }
    onClose();
  };
  const download = async (id: string): Promise<void> => {
    const url = api.clipUrl(id, range.start, range.end, 'collapse');
    const found = await api.checkClip(url);
    if (!found.ready) throw new Error(problemWords(found.problem, t, lang));
    const link = document.createElement('a');
    link.href = url;
    link.download = '';
    document.body.append(link);
    link.click();
    link.remove();
  };
  const choice = (name: Way) => (
    <label key={name} class="choice">
      <input
        type="radio"
        name="way"
        value={name}
        data-testid={`save-${name}`}
        checked={way === name}
        onChange={() => setWay(name)}
      />
      <b class="strong">{s.ways[name]}</b>
      <p>{s.wayTexts[name]}</p>
    </label>
  );
  return (
    <Dialog title={s.title} testid="save-sheet" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void action.run(run);
        }}
      >
        <p data-testid="save-what">
          <b class="strong" translate={false}>
            {cameras.map((one) => one.name).join(', ')}
          </b>
          <br />
          {format.period(range.start, range.end, lang, me.zone)} ({format.durationBetween(range.start, range.end, lang)}
          )
        </p>
        <div class="ways">{ways.map(choice)}</div>
        {me.second_person && may(me, 'export') ? <p class="hint">{s.second}</p> : null}
        {way === 'clip' ? null : (
          <>
            <Field label={s.which}>
              {(f) => (
                <select
                  {...f}
                  data-testid="save-which"
                  value={chosen}
                  onChange={(e) => setChosen(e.currentTarget.value)}
                >
                  {open.map((item) => (
                    <option key={item.id} value={item.id}>
                      {item.number}
                      {item.title ? ` – ${item.title}` : ''}
                    </option>
                  ))}
                  <option value={NEW}>{way === 'case' ? s.newCase : s.otherNumber}</option>
                </select>
              )}
            </Field>
            {isNew ? (
              <>
                <TextField
                  label={t.cases.number}
                  hint={t.cases.numberHint}
                  required={way === 'case'}
                  data-testid="save-number"
                  value={number}
                  onValue={setNumber}
                />
                <TextField
                  label={t.cases.legalBasis}
                  hint={t.cases.legalBasisHint}
                  required={way === 'case'}
                  data-testid="save-basis"
                  value={basis}
                  onValue={setBasis}
                />
              </>
            ) : null}
            <TextField
              label={t.cases.purpose}
              required={way === 'case'}
              data-testid="save-purpose"
              value={purpose}
              onValue={setPurpose}
            />
          </>
        )}
        {ways.length === 0 ? <ErrorText text={t.notAllowed} testid="save-none" /> : null}
        <FormActions action={action} testid="save-save" disabled={ways.length === 0} onClose={onClose}>
          {s.actions[way]}
        </FormActions>
      </form>
    </Dialog>
  );
}
