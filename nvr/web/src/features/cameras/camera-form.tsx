// One camera to add or to change. When changing, only what was changed is sent: the address comes without its password,
// and sending it back unchanged would overwrite the real one.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { Camera, CameraChange } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { CAMERA_ID, labelsToText, readLabels } from './labels-text';
import { FormActions, TextField } from '../../shared/ui/form';

const PRIORITY = /^-?\d{1,4}$/;

/** Priority and the camera's own rules of retention, as the fields hold them: empty means no rule of its own. */
export interface RuleFields {
  priority: string;
  max_age: string;
  min_age: string;
  max_bytes: string;
}

export function rulesOf(camera: Camera | null): RuleFields {
  return {
    priority: String(camera?.priority ?? 0),
    max_age: camera?.max_age ?? '',
    min_age: camera?.min_age ?? '',
    max_bytes: camera?.max_bytes ?? '',
  };
}

/** What differs, as the server wants it: a rule that was emptied is removed with null. */
export function changedRules(before: RuleFields, now: RuleFields): CameraChange {
  const draft: CameraChange = {};
  if (now.priority.trim() !== before.priority) draft.priority = Number(now.priority);
  for (const key of ['max_age', 'min_age', 'max_bytes'] as const) {
    if (now[key].trim() !== before[key]) draft[key] = now[key].trim() || null;
  }
  return draft;
}

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
  const [liveUrl, setLiveUrl] = useState(camera?.live_url ?? '');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [audio, setAudio] = useState(camera?.audio ?? false);
  const [labels, setLabels] = useState(labelsToText(camera?.labels ?? {}));
  const [rules, setRules] = useState(() => rulesOf(camera));
  const [errors, setErrors] = useState<{
    id?: string;
    name?: string;
    url?: string;
    labels?: string;
    priority?: string;
  }>({});
  const action = useAction();

  async function submit(): Promise<void> {
    const read = readLabels(labels);
    const found: typeof errors = {};
    if (!camera && !CAMERA_ID.test(id)) found.id = a.idInvalid;
    if (name.trim() === '') found.name = a.required;
    if (url.trim() === '') found.url = a.required;
    if ('wrong' in read) found.labels = fill(a.labelInvalid, { line: read.wrong });
    if (!PRIORITY.test(rules.priority.trim()) || Math.abs(Number(rules.priority)) > 1000)
      found.priority = a.priorityInvalid;
    setErrors(found);
    if (Object.keys(found).length > 0 || 'wrong' in read) return;
    const credentials = { ...(username ? { username } : {}), ...(password ? { password } : {}) };
    const draft: CameraChange = camera
      ? {
          ...(name !== camera.name ? { name: name.trim() } : {}),
          ...(url !== (camera.url ?? '') ? { url: url.trim() } : {}),
          ...(liveUrl.trim() !== (camera.live_url ?? '') ? { live_url: liveUrl.trim() || null } : {}),
          ...(audio !== camera.audio ? { audio } : {}),
          ...(labels !== labelsToText(camera.labels) ? { labels: read.labels } : {}),
          ...changedRules(rulesOf(camera), rules),
          ...credentials,
        }
      : {
          id,
          name: name.trim(),
          url: url.trim(),
          ...(liveUrl.trim() ? { live_url: liveUrl.trim() } : {}),
          audio,
          labels: read.labels,
          ...changedRules(rulesOf(null), rules),
          ...credentials,
        };
    const done = await action.run(() =>
      camera ? api.changeCamera(camera.id, draft) : api.addCamera({ ...draft, id, url: url.trim() }),
    );
    if (done) onDone();
  }

  return (
    <Dialog
      title={camera ? fill(a.editCamera, { name: camera.name }) : a.addCamera}
      testid="camera-form"
      onClose={onClose}
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {camera ? null : (
          <TextField
            label={a.id}
            hint={a.idHint}
            error={errors.id}
            data-testid="camera-id"
            value={id}
            autocapitalize="none"
            spellcheck={false}
            onValue={setId}
          />
        )}
        <TextField label={a.name} error={errors.name} data-testid="camera-name" value={name} onValue={setName} />
        <TextField
          label={a.url}
          hint={a.urlHint}
          error={errors.url}
          data-testid="camera-url"
          type="text"
          inputMode="url"
          spellcheck={false}
          value={url}
          onValue={setUrl}
        />
        <TextField
          label={a.liveUrl}
          hint={a.liveUrlHint}
          data-testid="camera-live-url"
          type="text"
          inputMode="url"
          spellcheck={false}
          value={liveUrl}
          onValue={setLiveUrl}
        />
        <div class="two">
          <TextField
            label={a.username}
            hint={camera ? a.passwordKeep : undefined}
            data-testid="camera-username"
            autocomplete="off"
            value={username}
            onValue={setUsername}
          />
          <TextField
            label={a.password}
            hint={camera ? a.passwordKeep : undefined}
            data-testid="camera-password"
            type="password"
            autocomplete="new-password"
            value={password}
            onValue={setPassword}
          />
        </div>
        <Field label={a.labels} hint={a.labelsHint} error={errors.labels}>
          {(f) => (
            <textarea
              {...f}
              data-testid="camera-labels"
              rows={3}
              value={labels}
              onInput={(e) => setLabels(valueOf(e))}
            />
          )}
        </Field>
        <fieldset>
          <legend>
            {a.retention} <span class="hint">{a.retentionHint}</span>
          </legend>
          <div class="two">
            <Field label={a.maxAge} hint={a.maxAgeHint}>
              {(f) => (
                <input
                  {...f}
                  data-testid="camera-max-age"
                  value={rules.max_age}
                  onInput={(e) => setRules({ ...rules, max_age: valueOf(e) })}
                />
              )}
            </Field>
            <Field label={a.minAge} hint={a.minAgeHint}>
              {(f) => (
                <input
                  {...f}
                  data-testid="camera-min-age"
                  value={rules.min_age}
                  onInput={(e) => setRules({ ...rules, min_age: valueOf(e) })}
                />
              )}
            </Field>
          </div>
          <div class="two">
            <Field label={a.maxBytes} hint={a.maxBytesHint}>
              {(f) => (
                <input
                  {...f}
                  data-testid="camera-max-bytes"
                  value={rules.max_bytes}
                  onInput={(e) => setRules({ ...rules, max_bytes: valueOf(e) })}
                />
              )}
            </Field>
            <Field label={a.priority} hint={a.priorityHint} error={errors.priority}>
              {(f) => (
                <input
                  {...f}
                  data-testid="camera-priority"
                  inputMode="numeric"
                  value={rules.priority}
                  onInput={(e) => setRules({ ...rules, priority: valueOf(e) })}
                />
              )}
            </Field>
          </div>
        </fieldset>
        <label class="check">
          <input
            type="checkbox"
            data-testid="camera-audio"
            checked={audio}
            onChange={(e) => setAudio(e.currentTarget.checked)}
          />
          <span>
            {a.audio} <span class="hint">{a.audioHint}</span>
          </span>
        </label>
        <FormActions action={action} testid="camera-save" onClose={onClose}>
          {camera ? t.save : a.add}
        </FormActions>
      </form>
    </Dialog>
  );
}
