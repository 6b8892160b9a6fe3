// Setting up cameras. Those of config.toml are shown but changed there.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { Camera } from '../../shared/api/schema';
import { cameraHref } from '../../router';
import { Confirm, ErrorText } from '../../shared/ui/dialog';
import { useList } from '../../shared/ui/list';
import { Labels } from '../camera/camera-facts';
import { CameraForm } from './camera-form';
import { CameraImport } from './camera-import';
import { filterCameras } from './camera-filter';

import { TextField } from '../../shared/ui/form';
import { Table } from '../../shared/ui/table';

/** Rows shown at once; the search finds the rest. */
const MAX_ROWS = 200;

export function AdminCamerasPage() {
  const { t } = useWords();
  const a = t.admin;
  const list = useList(async () => (await api.cameras()).cameras);
  const [form, setForm] = useState<{ camera: Camera | null } | null>(null);
  const [importing, setImporting] = useState(false);
  const [removing, setRemoving] = useState<Camera | null>(null);
  const [search, setSearch] = useState('');
  const found = filterCameras(list.items ?? [], search);
  return (
    <div>
      <header class="page-head">
        <h1>{a.camerasTitle}</h1>
        <span class="row-actions">
          <button type="button" data-testid="camera-table" onClick={() => setImporting(true)}>
            {t.importing.open}
          </button>
          <button type="button" class="primary" data-testid="add-camera" onClick={() => setForm({ camera: null })}>
            {a.addCamera}
          </button>
        </span>
      </header>
      <ErrorText text={list.error} testid="list-error" />
      {list.items && list.items.length > 10 ? (
        <div class="filters">
          <TextField
            label={t.cameras.search}
            type="search"
            data-testid="search"
            placeholder={t.cameras.searchHint}
            value={search}
            onValue={setSearch}
          />
          <p class="muted">
            {fill(t.cameras.shown, { shown: String(Math.min(MAX_ROWS, found.length)), all: String(list.items.length) })}
          </p>
        </div>
      ) : null}
      {list.items?.length === 0 ? <p class="panel">{t.cameras.empty}</p> : null}
      {found.length > 0 ? (
        <Table panel heads={[a.name, a.url, a.labels, a.source, a.actions]}>
          {found.slice(0, MAX_ROWS).map((camera) => (
            <tr key={camera.id} data-testid="admin-camera-row" data-camera={camera.id}>
              <td data-label={a.name}>
                <a href={cameraHref(camera.id)}>{camera.name}</a> <span class="muted mono">{camera.id}</span>
              </td>
              <td data-label={a.url} class="mono break">
                {camera.url ?? ''}
              </td>
              <td data-label={a.labels}>
                <Labels labels={camera.labels} />
              </td>
              <td data-label={a.source} data-testid="camera-source">
                {camera.source === 'file' ? a.fromFile : a.fromCatalogue}
              </td>
              <td data-label={a.actions} class="row-actions">
                {camera.source === 'catalogue' ? (
                  <>
                    <button type="button" class="small" data-testid="edit-camera" onClick={() => setForm({ camera })}>
                      {t.edit}
                    </button>
                    <button
                      type="button"
                      class="small danger"
                      data-testid="remove-camera"
                      onClick={() => setRemoving(camera)}
                    >
                      {t.remove}
                    </button>
                  </>
                ) : (
                  <span class="muted">–</span>
                )}
              </td>
            </tr>
          ))}
        </Table>
      ) : null}
      {form ? (
        <CameraForm
          camera={form.camera}
          onClose={() => setForm(null)}
          onDone={() => {
            setForm(null);
            list.reload();
          }}
        />
      ) : null}
      {importing ? <CameraImport onDone={list.reload} onClose={() => setImporting(false)} /> : null}
      {removing ? (
        <Confirm
          title={fill(a.removeCamera, { name: removing.name })}
          text={a.removeCameraText}
          action={t.remove}
          work={() => api.removeCamera(removing.id)}
          onDone={list.reload}
          onClose={() => setRemoving(null)}
        />
      ) : null}
    </div>
  );
}
