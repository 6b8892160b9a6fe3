// Legal holds: what no rule deletes, for whom it is kept, and its release.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { useFleet } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import type { PageProps } from '../../page-def';
import { cameraHref } from '../../router';
import { may } from '../../session';
import type { Hold } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { Dialog, ErrorText } from '../../shared/ui/dialog';
import { FormActions, TextField } from '../../shared/ui/form';
import { useList } from '../../shared/ui/list';

const MOST_ROWS = 300;

export function HoldsPage({ me }: PageProps) {
  const { t, lang } = useWords();
  const h = t.storage.holds;
  const { byId } = useFleet();
  const [all, setAll] = useState(false);
  const [ending, setEnding] = useState<Hold | null>(null);
  const list = useList(async () => (await api.holds()).holds);
  const inForce = (list.items ?? []).filter((hold) => hold.released === null);
  const shown = (all ? (list.items ?? []) : inForce).slice(0, MOST_ROWS);
  const held = inForce.reduce((sum, hold) => sum + (hold.bytes ?? 0), 0);
  return (
    <div data-testid="holds">
      <header class="page-head">
        <div>
          <h1>{h.title}</h1>
          <p>
            {list.items
              ? fill(h.sum, { n: format.number(inForce.length, lang), size: format.bytes(held, lang) })
              : t.loading}
          </p>
        </div>
        <label class="check">
          <input type="checkbox" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} />
          <span>{h.released}</span>
        </label>
      </header>
      <ErrorText text={list.error} testid="list-error" />
      {list.items && shown.length === 0 ? <p class="note">{h.none}</p> : null}
      {shown.length > 0 ? (
        <div class="table-scroll" tabIndex={0}>
          <table class="t">
            <thead>
              <tr>
                <th scope="col">{t.report.camera}</th>
                <th scope="col">{h.range}</th>
                <th scope="col">{t.cases.reason}</th>
                <th scope="col">{h.by}</th>
                <th scope="col" class="num">
                  {h.size}
                </th>
                <th scope="col" />
              </tr>
            </thead>
            <tbody>
              {shown.map((hold) => (
                <tr key={hold.id} data-testid="hold-row" data-released={hold.released !== null}>
                  <td translate={false}>
                    <a href={cameraHref(hold.camera, { at: hold.start })}>
                      {byId.get(hold.camera)?.name || hold.camera}
                    </a>
                  </td>
                  <td class="nowrap">
                    {format.period(parseInstant(hold.start), parseInstant(hold.end), lang, me.zone)}
                  </td>
                  <td class="hold-reason">{hold.reason}</td>
                  <td class="nowrap">
                    {hold.placed_by}, {format.date(parseInstant(hold.placed), lang, me.zone)}
                  </td>
                  <td class="num">{hold.bytes === null ? '–' : format.bytes(hold.bytes, lang)}</td>
                  <td>
                    {hold.released ? (
                      <span class="mut">
                        {fill(h.releasedBy, { who: hold.released_by ?? '' })}: {hold.release_reason}
                      </span>
                    ) : may(me, 'retention') ? (
                      <button type="button" class="small danger" data-testid="release" onClick={() => setEnding(hold)}>
                        {h.release}
                      </button>
                    ) : null}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {ending ? (
        <Release
          hold={ending}
          name={byId.get(ending.camera)?.name || ending.camera}
          onDone={() => {
            setEnding(null);
            list.reload();
          }}
          onClose={() => setEnding(null)}
        />
      ) : null}
    </div>
  );
}

function Release({
  hold,
  name,
  onDone,
  onClose,
}: {
  hold: Hold;
  name: string;
  onDone: () => void;
  onClose: () => void;
}) {
  const { t } = useWords();
  const h = t.storage.holds;
  const [reason, setReason] = useState('');
  const action = useAction();
  return (
    <Dialog title={fill(h.releaseOf, { name })} testid="release-form" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void action.run(() => api.releaseHold(hold.id, reason.trim())).then((ok) => ok && onDone());
        }}
      >
        <p class="hint">{h.releaseText}</p>
        <TextField label={t.cases.reason} required data-testid="release-reason" value={reason} onValue={setReason} />
        <FormActions action={action} testid="release-save" onClose={onClose}>
          {h.release}
        </FormActions>
      </form>
    </Dialog>
  );
}
