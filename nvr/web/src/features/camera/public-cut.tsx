// Whether citizens see the camera, and cutting that at once: recording does not notice.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { may } from '../../session';
import type { Camera, Me } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Dialog, ErrorText } from '../../shared/ui/dialog';

import { useList } from '../../shared/ui/list';
import { TextField } from '../../shared/ui/form';

export function PublicCut({ camera, me }: { camera: Camera; me: Me }) {
  const shown = (camera.labels['public'] ?? '').toLowerCase();
  // Most cameras are not public, and nothing is asked about them.
  return ['live', 'yes', 'status'].includes(shown) ? <Cut camera={camera} me={me} shows={shown} /> : null;
}

function Cut({ camera, me, shows }: { camera: Camera; me: Me; shows: string }) {
  const { t } = useWords();
  const p = t.publicView;
  const list = useList(async () => (await api.publicCuts()).cuts.filter((cut) => cut.camera === camera.id));
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const [missing, setMissing] = useState(false);
  const action = useAction();
  const cut = list.items?.[0];
  if (!list.items) return <ErrorText text={list.error} />;
  const isAllowed = may(me, cut ? 'orders' : 'cut_public');
  return (
    <div data-testid="public-cut" data-cut={cut ? 'yes' : 'no'}>
      <p class={cut ? 'notice' : 'hint'}>
        {cut
          ? fill(p.isCut, { by: cut.by, reason: cut.reason })
          : shows === 'status'
            ? p.isStatus
            : shows === 'live'
              ? p.isLive
              : p.isPublic}
      </p>
      {isAllowed ? (
        <button type="button" class={cut ? '' : 'danger'} data-testid="public-cut-ask" onClick={() => setAsking(true)}>
          {cut ? p.restore : p.cut}
        </button>
      ) : null}
      {asking ? (
        <Dialog title={cut ? p.restore : p.cut} testid="public-cut-form" onClose={() => setAsking(false)}>
          <form
            noValidate
            onSubmit={(event) => {
              event.preventDefault();
              setMissing(reason.trim() === '');
              if (reason.trim() === '') return;
              void action
                .run(() => (cut ? api.restorePublicView(camera.id, reason) : api.cutPublicView(camera.id, reason)))
                .then((done) => {
                  if (!done) return;
                  setAsking(false);
                  setReason('');
                  list.reload();
                });
            }}
          >
            {cut ? null : <p>{p.cutText}</p>}
            <TextField
              label={p.reason}
              error={missing ? t.orders.missing : null}
              data-testid="public-cut-reason"
              value={reason}
              onValue={setReason}
            />
            <ErrorText text={action.error} testid="form-error" />
            <div class="dialog-actions">
              <button type="button" onClick={() => setAsking(false)}>
                {t.cancel}
              </button>
              <button
                type="submit"
                class={cut ? 'primary' : 'danger'}
                data-testid="public-cut-save"
                disabled={action.busy}
              >
                {cut ? p.restore : p.cut}
              </button>
            </div>
          </form>
        </Dialog>
      ) : null}
    </div>
  );
}
