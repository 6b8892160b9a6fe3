// The dialog that asks for a sealed export.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { serverNow } from '../../session';
import * as format from '../../shared/time/format';
import { HOUR, MINUTE } from '../../shared/time/instant';
import { fromInput, toInput } from '../../shared/time/zone';
import type { Bounds } from '../../timeline/geometry';
import { useAction } from '../../shared/ui/action';
import { Dialog, ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { readIds } from '../gaps/report-sums';

interface ExportFormProps {
  zone: string;
  /** What to begin with: the camera and range on screen. */
  camera?: string;
  range?: Bounds;
  onDone: () => void;
  onClose: () => void;
}

export function ExportForm({ zone, camera, range: given, onDone, onClose }: ExportFormProps) {
  const { t, lang } = useWords();
  const [x, c] = [t.exports, t.cases];
  const now = Math.floor(serverNow() / MINUTE) * MINUTE;
  const [ids, setIds] = useState(camera ?? '');
  const [range, setRange] = useState<Bounds>(given ?? { start: now - HOUR, end: now });
  const [texts, setTexts] = useState({ case: '', legal_basis: '', purpose: '', requester: '' });
  const action = useAction();
  const valid = range.end > range.start;
  const text = (name: keyof typeof texts, label: string) => (
    <Field label={label}>
      {(f) => (
        <input
          {...f}
          data-testid={`export-${name}`}
          value={texts[name]}
          onInput={(e) => setTexts({ ...texts, [name]: valueOf(e) })}
        />
      )}
    </Field>
  );
  return (
    <Dialog title={x.make} testid="export-form" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (valid)
            void action
              .run(() => api.makeExport(readIds(ids), range.start, range.end, texts))
              .then((ok) => ok && onDone());
        }}
      >
        <p class="hint">{x.formText}</p>
        <Field label={c.cameras} hint={c.camerasHint}>
          {(f) => (
            <input {...f} required data-testid="export-cameras" value={ids} onInput={(e) => setIds(valueOf(e))} />
          )}
        </Field>
        <div class="two">
          <Field label={c.from} error={valid ? null : t.clip.invalid}>
            {(f) => (
              <input
                {...f}
                type="datetime-local"
                step="1"
                required
                data-testid="export-start"
                value={toInput(range.start, zone)}
                onChange={(e) => setRange({ ...range, start: fromInput(valueOf(e), zone) ?? range.start })}
              />
            )}
          </Field>
          <Field label={c.to}>
            {(f) => (
              <input
                {...f}
                type="datetime-local"
                step="1"
                required
                data-testid="export-end"
                value={toInput(range.end, zone)}
                onChange={(e) => setRange({ ...range, end: fromInput(valueOf(e), zone) ?? range.end })}
              />
            )}
          </Field>
        </div>
        <p class="hint">{fill(t.clip.zone, { name: format.zoneName(range.start, lang, zone) })}</p>
        {text('case', c.number)}
        {text('legal_basis', c.legalBasis)}
        {text('purpose', c.purpose)}
        {text('requester', c.requester)}
        <ErrorText text={action.error} />
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button type="submit" class="primary" data-testid="export-save" disabled={action.busy || !valid}>
            {x.make}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
