// What was found in networks: searching, the table with what is wrong, adding, and following devices that moved.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { cameraHref } from '../../router';
import type { Device, Move, Picture, Scan } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';
import { useList } from '../../shared/ui/list';
import { usePoll } from '../../shared/ui/poll';
import { Table } from '../../shared/ui/table';
import { AddDevices } from './add-devices';
import { ScanPanel } from './scan-panel';

/** Rows shown at once; the search finds the rest. */
const MAX_ROWS = 200;
const WORKING_MS = 1000;
const IDLE_MS = 15_000;

export function DevicesPage() {
  const { t } = useWords();
  const d = t.devices;
  const list = useList(async () => (await api.devices()).devices);
  const moved = useList(async () => (await api.deviceMoves()).moves);
  const [scans, setScans] = useState<{ networks: string[]; scans: Scan[] } | null>(null);
  const [search, setSearch] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [adding, setAdding] = useState(false);
  const last = scans?.scans[0] ?? null;
  const running = last !== null && (last.state === 'running' || last.state === 'stopping');
  const reload = (): void => {
    list.reload();
    moved.reload();
  };
  useEffect(() => {
    document.title = `${d.title} – nvr`;
  }, [d]);
  usePoll(
    async (signal) => {
      const now = await api.scans(signal);
      const ended = running && now.scans[0]?.state !== 'running' && now.scans[0]?.state !== 'stopping';
      setScans(now);
      if (ended) reload();
    },
    running ? WORKING_MS : IDLE_MS,
    running,
  );
  const found = matching(list.items ?? [], search);
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <div>
      <header class="page-head">
        <h1>{d.title}</h1>
        <span class="row-actions">
          <a class="button" href={api.deviceTableUrl()} download="devices.csv" data-testid="export-devices">
            {d.export}
          </a>
          <button
            type="button"
            class="primary"
            data-testid="add-devices"
            disabled={!list.items?.length}
            onClick={() => setAdding(true)}
          >
            {chosen.size > 0 ? fill(d.addChosen, { count: String(chosen.size) }) : d.addAll}
          </button>
        </span>
      </header>
      <p class="muted">{d.text}</p>
      {scans ? (
        <ScanPanel
          networks={scans.networks}
          last={last}
          onChange={(scan) => setScans({ ...scans, scans: [scan, ...scans.scans.filter((one) => one.id !== scan.id)] })}
        />
      ) : null}
      <ErrorText text={list.error} testid="list-error" />
      <Moves moves={moved.items ?? []} onDone={reload} />
      {list.items && list.items.length > 10 ? (
        <div class="filters">
          <TextField
            label={t.cameras.search}
            type="search"
            data-testid="search"
            placeholder={d.searchHint}
            value={search}
            onValue={setSearch}
          />
          <p class="muted">
            {fill(t.cameras.shown, { shown: String(Math.min(MAX_ROWS, found.length)), all: String(list.items.length) })}
          </p>
        </div>
      ) : null}
      {list.items?.length === 0 ? (
        <p class="panel" data-testid="no-devices">
          {d.none}
        </p>
      ) : null}
      {found.length > 0 ? (
        <Table panel testid="devices" heads={[d.address, d.device, d.pictures, d.clock, d.camera, d.findings]}>
          {found.slice(0, MAX_ROWS).map((one) => (
            <Row key={one.id} device={one} chosen={chosen.has(one.id)} onToggle={() => toggle(one.id)} />
          ))}
        </Table>
      ) : null}
      {adding ? (
        <AddDevices
          devices={[...chosen]}
          onDone={() => {
            setChosen(new Set());
            reload();
          }}
          onClose={() => setAdding(false)}
        />
      ) : null}
    </div>
  );
}

/** Every word of the search is in what is known of the device. */
export function matching(devices: ReadonlyArray<Device>, search: string): Device[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return devices.filter((one) => {
    const text = [one.address, one.manufacturer, one.model, one.serial, one.mac, one.id, ...one.cameras]
      .concat(one.findings.flatMap((finding) => [finding.code, finding.text]))
      .join(' ')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function Row({ device, chosen, onToggle }: { device: Device; chosen: boolean; onToggle: () => void }) {
  const { t } = useWords();
  const d = t.devices;
  const name = `${device.manufacturer} ${device.model}`.trim() || (device.kind === 'rtsp' ? 'RTSP' : '–');
  return (
    <tr data-testid="device-row" data-device={device.id} data-address={device.address}>
      <td data-label={d.address} class="mono">
        <label>
          <input type="checkbox" data-testid="choose-device" checked={chosen} onChange={onToggle} /> {device.address}
        </label>
        {device.missing_since ? <span class="muted"> {d.missing}</span> : null}
      </td>
      <td data-label={d.device}>
        {name}{' '}
        <span class="muted mono break">
          {device.serial} {device.firmware}
        </span>
      </td>
      <td data-label={d.pictures}>
        {device.pictures
          .filter((picture) => picture.use !== '')
          .slice(0, 4)
          .map((picture) => (
            <div key={picture.token}>{pictureText(picture)}</div>
          ))}
      </td>
      <td data-label={d.clock}>
        {device.clock_offset_s === null
          ? '–'
          : `${device.clock_offset_s > 0 ? '+' : ''}${Math.round(device.clock_offset_s)} s`}
      </td>
      <td data-label={d.camera}>
        {device.cameras.map((camera) => (
          <a key={camera} class="mono" href={cameraHref(camera)}>
            {camera}{' '}
          </a>
        ))}
      </td>
      <td data-label={d.findings}>
        <ul class="plain">
          {device.findings.map((finding) => (
            <li key={finding.code} data-testid="finding" data-code={finding.code}>
              {finding.text}
            </li>
          ))}
          {device.events && device.events.state !== 'subscribed' ? (
            <li data-testid="device-events" data-state={device.events.state}>
              {device.events.state === 'given_up' ? d.eventsGivenUp : d.eventsWaiting} {device.events.why}
            </li>
          ) : null}
        </ul>
      </td>
    </tr>
  );
}

function pictureText(picture: Picture): string {
  const rate = picture.frame_rate === null ? '' : ` ${picture.frame_rate}/s`;
  return `${picture.use} ${picture.codec} ${picture.width}×${picture.height}${rate}`;
}

function Moves({ moves, onDone }: { moves: ReadonlyArray<Move>; onDone: () => void }) {
  const { t } = useWords();
  const d = t.devices;
  const action = useAction();
  if (moves.length === 0) return null;
  return (
    <section class="panel" data-testid="moves">
      <h2>{d.moved}</h2>
      <ErrorText text={action.error} testid="move-error" />
      <ul class="plain">
        {moves.slice(0, MAX_ROWS).map((move) => (
          <li key={move.camera} class="row-actions">
            <span>{fill(d.movedText, { camera: move.camera, from: move.recorded_from, to: move.to })}</span>
            {move.is_fixed ? (
              <span class="muted">{d.fixed}</span>
            ) : (
              <button
                type="button"
                class="small"
                data-testid="follow"
                disabled={action.busy}
                onClick={() => void action.run(() => api.followDevice(move.camera)).then(onDone)}
              >
                {d.follow}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
