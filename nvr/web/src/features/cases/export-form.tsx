// The dialog that asks for a sealed export.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { useWords } from '../../shared/i18n';
import { serverNow } from '../../session';

import { HOUR, MINUTE } from '../../shared/time/instant';

import type { Bounds } from '../../timeline/geometry';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { readIds } from '../gaps/report-sums';
import { FormActions, RangeFields, TextField } from '../../shared/ui/form';

interface ExportFormProps {
  zone: string;
  /** What to begin with: the camera and range on screen. */
  camera?: string;
  range?: Bounds;
  onDone: () => void;
  onClose: () => void;
}

export function ExportForm({ zone, camera, range: given, onDone, onClose }: ExportFormProps) {
  const { t } = useWords();
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
        <TextField
          label={c.cameras}
          hint={c.camerasHint}
          required
          data-testid="export-cameras"
          value={ids}
          onValue={setIds}
        />
        <RangeFields range={range} zone={zone} testid="export" onRange={setRange} />
        {text('case', c.number)}
        {text('legal_basis', c.legalBasis)}
        {text('purpose', c.purpose)}
        {text('requester', c.requester)}
        <FormActions action={action} testid="export-save" disabled={!valid} onClose={onClose}>
          {x.make}
        </FormActions>
      </form>
    </Dialog>
  );
}
