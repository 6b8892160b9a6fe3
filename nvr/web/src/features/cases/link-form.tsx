// The dialog that makes a link by which one recipient fetches an export, and shows it this once.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { Export, ExportLink } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';

import { CopyButton, FormActions, LengthField, TakeAlong, TextField } from '../../shared/ui/form';
import { QrCode } from '../../shared/ui/qr';

const DAY_S = 86_400;
const TIMES_S = [3_600, DAY_S, 3 * DAY_S, 7 * DAY_S];

export function LinkForm({
  item,
  zone,
  onMade,
  onClose,
}: {
  item: Export;
  zone: string;
  onMade: () => void;
  onClose: () => void;
}) {
  const { t, lang } = useWords();
  const l = t.link;
  const [recipient, setRecipient] = useState('');
  const [expires, setExpires] = useState(3 * DAY_S);
  const [made, setMade] = useState<ExportLink | null>(null);
  const action = useAction();
  if (made) {
    const address = location.origin + made.path;
    return (
      <Dialog title={fill(l.forWhom, { who: made.recipient })} testid="link-made" onClose={onClose}>
        <p role="status">
          {l.once} {fill(l.goodUntil, { when: format.dateTime(parseInstant(made.until), lang, zone) })}
        </p>
        <TakeAlong label={l.address} value={address} testid="link-value" />
        <QrCode text={address} label={l.scan} testid="link-qr" />
        <p class="hint">{l.scan}</p>
        <div class="dialog-actions">
          <CopyButton value={address} testid="link-copy" />
          <button type="button" class="primary" data-testid="link-done" onClick={onClose}>
            {t.close}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={l.make} testid="link-form" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void action.run(async () => {
            setMade(await api.makeLink(item.id, recipient.trim(), expires));
            onMade();
          });
        }}
      >
        <p class="hint">{l.formText}</p>
        <TextField
          label={l.recipient}
          hint={l.recipientHint}
          required
          maxLength={200}
          data-testid="link-to"
          value={recipient}
          onValue={setRecipient}
        />
        <LengthField label={l.good} lengths={TIMES_S} value={expires} testid="link-expires" onValue={setExpires} />
        <FormActions action={action} testid="link-save" onClose={onClose}>
          {l.make}
        </FormActions>
      </form>
    </Dialog>
  );
}
