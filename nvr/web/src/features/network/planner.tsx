// What more or fewer cameras, bits and days would need.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import type { CapacityPlan, PlanFigures } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { TextField } from '../../shared/ui/form';

export function Planner() {
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
    <section class="sec">
      <header>
        <h2>{p.title}</h2>
      </header>
      <p class="mut plan-text">{p.text}</p>
      <form
        class="plan-form"
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
        <div class="table-scroll" tabIndex={0}>
          <table class="t" data-testid="plan-result">
            <thead>
              <tr>
                <td />
                <th scope="col" class="num">
                  {p.now}
                </th>
                <th scope="col" class="num">
                  {p.planned}
                </th>
              </tr>
            </thead>
            <tbody>
              {planRows(made).map(([key, words]) => (
                <tr key={key}>
                  <th scope="row">{key}</th>
                  <td class="num">{made.now ? words(made.now) : '–'}</td>
                  <td class="num">
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
