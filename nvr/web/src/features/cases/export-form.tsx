// The dialog that asks for a sealed export.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { useWords } from '../../shared/i18n';
import { serverNow } from '../../session';

import { HOUR, MINUTE } from '../../shared/time/instant';

import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { CameraChips, type NamedCamera } from './camera-chips';
import { FormActions, RangeFields } from '../../shared/ui/form';

interface ExportFormProps {
  zone: string;
  onDone: () => void;
  onClose: () => void;
}

export function ExportForm({ zone, onDone, onClose }: ExportFormProps) {
  const { t } = useWords();
  const [x, c] = [t.exports, t.cases];
  const now = Math.floor(serverNow() / MINUTE) * MINUTE;
  const [chosen, setChosen] = useState<NamedCamera[]>([]);
  const [range, setRange] = useState({ start: now - HOUR, end: now });
  const [texts, setTexts] = useState({ case: '', legal_basis: '', purpose: '', requester: '' });
  const action = useAction();
  const valid = range.end > range.start && chosen.length > 0;
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
              .run(() =>
                api.makeExport(
                  chosen.map((one) => one.id),
                  range.start,
                  range.end,
                  texts,
                ),
              )
              .then((ok) => ok && onDone());
        }}
      >
        <p class="hint">{x.formText}</p>
        <CameraChips chosen={chosen} testid="export-cameras" onChosen={setChosen} />
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
