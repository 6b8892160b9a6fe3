// One camera to add or to change. When changing, only what was changed is sent: the address comes without its password,
// and sending it back unchanged would overwrite the real one.

import { useState } from 'preact/hooks';
import * as api from '../api';
import { useWords } from '../i18n';
import type { Camera, CameraDraft } from '../types';
import { useAction } from '../ui/action';
import { Dialog, ErrorText } from '../ui/dialog';
import { Field, valueOf } from '../ui/field';
import { CAMERA_ID, labelsToText, readLabels } from './labels-text';

interface CameraFormProps {
  camera: Camera | null;
  onDone: () => void;
  onClose: () => void;
}

export function CameraForm({ camera, onDone, onClose }: CameraFormProps) {
  const { t } = useWords();
  const a = t.admin;
  const [id, setId] = useState('');
  const [name, setName] = useState(camera?.name ?? '');
  const [url, setUrl] = useState(camera?.url ?? '');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [audio, setAudio] = useState(camera?.audio ?? false);
  const [labels, setLabels] = useState(labelsToText(camera?.labels ?? {}));
  const [errors, setErrors] = useState<{ id?: string; name?: string; url?: string; labels?: string }>({});
  const action = useAction();

  async function submit(): Promise<void> {
    const read = readLabels(labels);
    const found: typeof errors = {};
    if (!camera && !CAMERA_ID.test(id)) found.id = a.idInvalid;
    if (name.trim() === '') found.name = a.required;
    if (url.trim() === '') found.url = a.required;
    if ('wrong' in read) found.labels = a.labelInvalid(read.wrong);
    setErrors(found);
    if (Object.keys(found).length > 0 || 'wrong' in read) return;
    const credentials = { ...(username ? { username } : {}), ...(password ? { password } : {}) };
    const draft: CameraDraft = camera
      ? {
          ...(name !== camera.name ? { name: name.trim() } : {}),
          ...(url !== (camera.url ?? '') ? { url: url.trim() } : {}),
          ...(audio !== camera.audio ? { audio } : {}),
          ...(labels !== labelsToText(camera.labels) ? { labels: read.labels } : {}),
          ...credentials,
        }
      : { id, name: name.trim(), url: url.trim(), audio, labels: read.labels, ...credentials };
    const done = await action.run(() => (camera ? api.changeCamera(camera.id, draft) : api.addCamera(draft)));
    if (done) onDone();
  }

  return (
    <Dialog title={camera ? a.editCamera(camera.name) : a.addCamera} testid="camera-form" onClose={onClose}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {camera ? null : (
          <Field label={a.id} hint={a.idHint} error={errors.id}>
            {(f) => <input {...f} data-testid="camera-id" value={id} autocapitalize="none" spellcheck={false} onInput={(e) => setId(valueOf(e))} />}
          </Field>
        )}
        <Field label={a.name} error={errors.name}>
          {(f) => <input {...f} data-testid="camera-name" value={name} onInput={(e) => setName(valueOf(e))} />}
        </Field>
        <Field label={a.url} hint={a.urlHint} error={errors.url}>
          {(f) => <input {...f} data-testid="camera-url" type="text" inputMode="url" spellcheck={false} value={url} onInput={(e) => setUrl(valueOf(e))} />}
        </Field>
        <div class="two">
          <Field label={a.username} hint={camera ? a.passwordKeep : undefined}>
            {(f) => <input {...f} data-testid="camera-username" autocomplete="off" value={username} onInput={(e) => setUsername(valueOf(e))} />}
          </Field>
          <Field label={a.password} hint={camera ? a.passwordKeep : undefined}>
            {(f) => <input {...f} data-testid="camera-password" type="password" autocomplete="new-password" value={password} onInput={(e) => setPassword(valueOf(e))} />}
          </Field>
        </div>
        <Field label={a.labels} hint={a.labelsHint} error={errors.labels}>
          {(f) => <textarea {...f} data-testid="camera-labels" rows={3} value={labels} onInput={(e) => setLabels(valueOf(e))} />}
        </Field>
        <label class="check">
          <input type="checkbox" data-testid="camera-audio" checked={audio} onChange={(e) => setAudio(e.currentTarget.checked)} />
          <span>{a.audio} <span class="hint">{a.audioHint}</span></span>
        </label>
        <ErrorText text={action.error} testid="form-error" />
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>{t.cancel}</button>
          <button type="submit" class="primary" data-testid="camera-save" disabled={action.busy}>{camera ? t.save : a.add}</button>
        </div>
      </form>
    </Dialog>
  );
}
