// What the network carried, lost and delayed, and what more or fewer cameras, bits and days would need.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords, type Lang } from '../../shared/i18n';
import { cameraHref } from '../../router';
import { serverNow } from '../../session';
import * as format from '../../shared/time/format';
import { HOUR, parseInstant } from '../../shared/time/instant';
import type { CapacityPlan, Me, NetworkReport, NetworkRow, PlanFigures } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { Time } from '../../shared/ui/time';
import { TextField } from '../../shared/ui/form';

/** The whole answer is at /api/network; the page shows as many rows as it can without becoming slow. */
const MAX_ROWS = 500;
const RANGES = { day: 24, week: 168, month: 720 } as const;
type RangeName = keyof typeof RANGES;

export function NetworkPage({ me }: { me: Me }) {
  const { t } = useWords();
  useEffect(() => {
    document.title = `${t.network.title} – nvr`;
  }, [t]);
  return (
    <div>
      <header class="page-head">
        <h1>{t.network.title}</h1>
      </header>
      <p class="muted">{t.network.text}</p>
      <Measured zone={me.zone} />
      <Planner />
    </div>
  );
}

function Measured({ zone }: { zone: string }) {
  const { t } = useWords();
  const n = t.network;
  const [range, setRange] = useState<RangeName>('week');
  const [by, setBy] = useState('camera');
  const [step, setStep] = useState<'total' | 'day' | 'hour'>('total');
  const [where, setWhere] = useState('');
  const [labels, setLabels] = useState<string[]>([]);
  const [report, setReport] = useState<NetworkReport | null>(null);
  const action = useAction();
  const run = (): void => {
    const end = serverNow();
    void action.run(async () =>
      setReport(await api.network({ start: end - RANGES[range] * HOUR, end, by, step, where: where.trim() })),
    );
  };
  useEffect(() => {
    run();
    api
      .cameras()
      .then((list) => setLabels([...new Set(list.cameras.flatMap((camera) => Object.keys(camera.labels)))].sort()))
      .catch(() => undefined); // suggestions only
  }, []);
  return (
    <>
      <form
        class="panel report-form"
        data-testid="network-form"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <Field label={n.range}>
          {(a) => (
            <select
              {...a}
              data-testid="network-range"
              value={range}
              onChange={(e) => setRange(valueOf(e) as RangeName)}
            >
              {(Object.keys(RANGES) as RangeName[]).map((name) => (
                <option key={name} value={name}>
                  {n.ranges[name]}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={n.by}>
          {(a) => (
            <select {...a} data-testid="network-by" value={by} onChange={(e) => setBy(valueOf(e))}>
              <option value="camera">{n.camera}</option>
              {labels.map((label) => (
                <option key={label} value={label}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={n.step}>
          {(a) => (
            <select {...a} data-testid="network-step" value={step} onChange={(e) => setStep(valueOf(e) as typeof step)}>
              {(['total', 'day', 'hour'] as const).map((name) => (
                <option key={name} value={name}>
                  {n.steps[name]}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField label={n.where} hint={n.whereHint} data-testid="network-where" value={where} onValue={setWhere} />
        <div class="actions">
          <button type="submit" class="primary" data-testid="network-run" disabled={action.busy}>
            {action.busy ? t.loading : n.show}
          </button>
        </div>
      </form>
      <ErrorText text={action.error} testid="network-error" />
      {report?.rows.length === 0 ? (
        <p class="panel" data-testid="network-none">
          {n.none}
        </p>
      ) : null}
      {report && report.rows.length > 0 ? <Rows report={report} zone={zone} /> : null}
    </>
  );
}

function Rows({ report, zone }: { report: NetworkReport; zone: string }) {
  const { t, lang } = useWords();
  const n = t.network;
  const name = report.by === 'camera' ? n.camera : report.by;
  const timed = report.step !== 'total';
  return (
    <div class="panel table-scroll">
      <table class="gaps" data-testid="network-table">
        <thead>
          <tr>
            <th scope="col">{name}</th>
            {timed ? <th scope="col">{n.from}</th> : null}
            {report.by === 'camera' ? null : <th scope="col">{n.cameras}</th>}
            <th scope="col">{n.bitrate}</th>
            <th scope="col">{n.carried}</th>
            <th scope="col">{n.loss}</th>
            <th scope="col">{n.lostFrames}</th>
            <th scope="col">{n.reconnects}</th>
            <th scope="col">{n.jitter}</th>
          </tr>
        </thead>
        <tbody>
          {report.rows.slice(0, MAX_ROWS).map((row) => (
            <tr key={`${row.group ?? ''} ${row.start}`} data-testid="network-row" data-group={row.group ?? ''}>
              <td data-label={name}>
                {row.group === null ? (
                  <span class="muted">{n.noLabel}</span>
                ) : report.by === 'camera' ? (
                  <a href={cameraHref(row.group)}>{row.group}</a>
                ) : (
                  row.group
                )}
              </td>
              {timed ? (
                <td data-label={n.from} class="nowrap">
                  <Time at={parseInstant(row.start)} zone={zone} />
                </td>
              ) : null}
              {report.by === 'camera' ? null : <td data-label={n.cameras}>{format.number(row.cameras, lang)}</td>}
              <td data-label={n.bitrate} class="nowrap">
                {row.bitrate_bps === null ? '–' : `${format.number(row.bitrate_bps / 1e3, lang)} kbit/s`}
              </td>
              <td data-label={n.carried} class="nowrap">
                {format.number(row.carried_bps / 1e6, lang, 2)} Mbit/s
              </td>
              <td data-label={n.loss} class="nowrap">
                {lossWords(row, lang)}
              </td>
              <td data-label={n.lostFrames}>{format.number(row.lost_frames, lang)}</td>
              <td data-label={n.reconnects}>{format.number(row.reconnects, lang)}</td>
              <td data-label={n.jitter} class="nowrap">
                {row.jitter_us === null ? '–' : `${format.number(row.jitter_us / 1e3, lang, 1)} ms`}
                {row.jitter_most_us === null ? null : (
                  <span class="hint"> {fill(n.most, { ms: format.number(row.jitter_most_us / 1e3, lang, 1) })}</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {report.rows.length > MAX_ROWS ? (
        <p class="hint">{fill(n.more, { n: format.number(report.rows.length - MAX_ROWS, lang) })}</p>
      ) : null}
    </div>
  );
}

function lossWords(row: NetworkRow, lang: Lang): string {
  if (row.loss === null) return '–';
  return `${format.number(row.loss * 100, lang, row.loss > 0 && row.loss < 0.001 ? 4 : 2)} %`;
}

function Planner() {
  const { t, lang } = useWords();
  const p = t.network.plan;
  const [where, setWhere] = useState('');
  const [cameras, setCameras] = useState('');
  const [kbit, setKbit] = useState('');
  const [days, setDays] = useState('30');
  const [overhead, setOverhead] = useState('5');
  const [price, setPrice] = useState('');
  const [made, setMade] = useState<CapacityPlan | null>(null);
  const action = useAction();
  const run = (): void => {
    const asked: api.PlanQuery = { where: where.trim(), days };
    if (cameras) asked.cameras = cameras;
    if (kbit) asked.bitrate_bps = String(Number(kbit) * 1000);
    if (overhead) asked.overhead = String(Number(overhead) / 100);
    if (price) asked.price_per_mbit = price;
    void action.run(async () => setMade(await api.plan(asked)));
  };
  const input =
    (testid: string, value: string, set: (value: string) => void, placeholder = '') =>
    (a: object) => (
      <input
        {...a}
        type="number"
        min="0"
        step="any"
        data-testid={testid}
        value={value}
        placeholder={placeholder}
        onInput={(e) => set(valueOf(e))}
      />
    );
  return (
    <section>
      <h2>{p.title}</h2>
      <p class="muted">{p.text}</p>
      <form
        class="panel report-form"
        data-testid="plan-form"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <TextField
          label={t.network.where}
          hint={t.network.whereHint}
          data-testid="plan-where"
          value={where}
          onValue={setWhere}
        />
        <Field label={p.cameras} hint={p.camerasHint}>
          {input('plan-cameras', cameras, setCameras)}
        </Field>
        <Field label={p.kbit} hint={p.kbitHint}>
          {input('plan-kbit', kbit, setKbit)}
        </Field>
        <Field label={p.days}>{input('plan-days', days, setDays)}</Field>
        <Field label={p.overhead} hint={p.overheadHint}>
          {input('plan-overhead', overhead, setOverhead)}
        </Field>
        <Field label={p.price} hint={p.priceHint}>
          {input('plan-price', price, setPrice)}
        </Field>
        <div class="actions">
          <button type="submit" class="primary" data-testid="plan-run" disabled={action.busy || !days}>
            {action.busy ? t.loading : p.run}
          </button>
        </div>
      </form>
      <ErrorText text={action.error} testid="plan-error" />
      {made ? (
        <div class="panel table-scroll">
          <table class="gaps" data-testid="plan-result">
            <thead>
              <tr>
                <th scope="col" />
                <th scope="col">{p.now}</th>
                <th scope="col">{p.planned}</th>
              </tr>
            </thead>
            <tbody>
              {planRows(made).map(([key, words]) => (
                <tr key={key}>
                  <th scope="row">{key}</th>
                  <td data-label={p.now}>{made.now ? words(made.now) : '–'}</td>
                  <td data-label={p.planned}>
                    <strong>{words(made.planned)}</strong>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <p class="hint">
            {made.capacity_bytes === null
              ? p.noDisks
              : fill(p.disks, { size: format.bytes(made.capacity_bytes, lang) })}
          </p>
        </div>
      ) : null}
    </section>
  );

  function planRows(plan: CapacityPlan): Array<[string, (f: PlanFigures) => string]> {
    const num = (value: number, digits = 0): string => format.number(value, lang, digits);
    return [
      [
        p.rows.cameras,
        (f) =>
          f.measured > 0
            ? [
                fill(p.measured, { n: num(f.cameras), of: num(f.measured) }),
                ...(f.unknown ? [fill(p.unknown, { n: num(f.unknown) })] : []),
              ].join('; ')
            : num(f.cameras),
      ],
      [p.rows.footage, (f) => `${num(f.bitrate_bps / 1e6, 2)} Mbit/s`],
      [p.rows.day, (f) => format.bytes(f.bytes_a_day, lang)],
      [fill(p.rows.disk, { days: num(plan.days) }), (f) => format.bytes(f.disk_bytes, lang)],
      [p.rows.last, (f) => (f.disk_days === null ? '–' : fill(p.daysOf, { n: num(f.disk_days, 1) }))],
      [p.rows.uplink, (f) => `${num(f.uplink_mbit_per_s, 2)} Mbit/s`],
      [p.rows.cost, (f) => (f.cost_a_month === null ? p.noPrice : `Rp ${num(f.cost_a_month)}`)],
    ];
  }
}
