// The table of cameras: download it, change it in a spreadsheet, check it, import it. All mistakes are shown, by line.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { Imported } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Dialog, ErrorText } from '../../shared/ui/dialog';
import { Field } from '../../shared/ui/field';

/** Mistakes shown at once; who mends these sees the others next time. */
const MAX_ROWS = 200;

export function CameraImport({ onDone, onClose }: { onDone: () => void; onClose: () => void }) {
  const { t } = useWords();
  const i = t.importing;
  const [file, setFile] = useState<File | null>(null);
  const [result, setResult] = useState<Imported | null>(null);
  const [mistakes, setMistakes] = useState<Array<{ field: string; message: string }>>([]);
  const action = useAction();

  const send = (dryRun: boolean): void => {
    if (!file) return;
    void action.run(async () => {
      setMistakes([]);
      setResult(null);
      try {
        setResult(await api.importCameras(file, dryRun));
        if (!dryRun) onDone();
      } catch (error) {
        // The list says it better than a sentence would.
        if (!(error instanceof api.ApiError && error.problem.errors?.length)) throw error;
        setMistakes(error.problem.errors);
      }
    });
  };

  return (
    <Dialog title={i.title} testid="import-form" onClose={onClose}>
      <p class="row-actions">
        <a class="button" href={api.cameraTableUrl(false)} download="cameras.csv" data-testid="export-csv">
          {i.export}
        </a>
        <a
          class="button"
          href={api.cameraTableUrl(true)}
          download="cameras.csv"
          data-testid="export-passwords"
          onClick={api.onceProved}
        >
          {i.exportPasswords}
        </a>
      </p>
      <p class="hint">{i.passwordsWarning}</p>
      <Field label={i.file} hint={i.fileHint}>
        {(f) => (
          <input
            {...f}
            type="file"
            accept=".csv,text/csv"
            data-testid="import-file"
            onChange={(e) => {
              setFile(e.currentTarget.files?.[0] ?? null);
              setResult(null);
              setMistakes([]);
              action.clear();
            }}
          />
        )}
      </Field>
      {result ? (
        <p class="notice" role="status" data-testid="import-result" data-done={result.dry_run ? 'no' : 'yes'}>
          {result.dry_run ? i.would : i.done}{' '}
          {[
            fill(i.added, { n: String(result.added.length) }),
            fill(i.changed, { n: String(Object.keys(result.changed).length) }),
            fill(i.unchanged, { n: String(result.unchanged) }),
          ].join(', ')}
          {`; ${result.sight}`}
        </p>
      ) : null}
      {mistakes.length > 0 ? (
        <div class="table-scroll" role="alert" data-testid="import-mistakes">
          <p class="error">{fill(i.mistakes, { n: String(mistakes.length) })}</p>
          <table class="gaps">
            <thead>
              <tr>
                <th scope="col">{i.place}</th>
                <th scope="col">{i.what}</th>
              </tr>
            </thead>
            <tbody>
              {mistakes.slice(0, MAX_ROWS).map((m, n) => (
                <tr key={n}>
                  <td data-label={i.place} class="nowrap">
                    {m.field}
                  </td>
                  <td data-label={i.what}>{m.message}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      <ErrorText text={action.error} testid="form-error" />
      <div class="dialog-actions">
        <button type="button" onClick={onClose}>
          {t.close}
        </button>
        <button type="button" data-testid="import-check" disabled={!file || action.busy} onClick={() => send(true)}>
          {i.check}
        </button>
        <button
          type="button"
          class="primary"
          data-testid="import-run"
          disabled={!file || action.busy || !result?.dry_run}
          onClick={() => send(false)}
        >
          {i.run}
        </button>
      </div>
    </Dialog>
  );
}
