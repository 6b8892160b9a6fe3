// An address for a player that can't log in (VLC, QuickTime, …): live or the chosen range of this camera, for some
// hours; and its end.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { Bounds } from '../../timeline/geometry';
import type { PlayerAddress } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { useList } from '../../shared/ui/list';
import { CopyButton, LengthField, TakeAlong } from '../../shared/ui/form';
import { QrCode } from '../../shared/ui/qr';

const HOUR_S = 3_600;
const TIMES_S = [HOUR_S, 4 * HOUR_S, 24 * HOUR_S];

/** A file that opens in whatever plays lists on this computer. */
export function listFile(name: string, address: string): string {
  return `#EXTM3U\n#EXTINF:-1,${name.replace(/[\r\n]/g, ' ')}\n${address}\n`;
}

export function PlayerAddressPanel({
  camera,
  name,
  clip,
  zone,
}: {
  camera: string;
  name: string;
  clip: Bounds | null;
  zone: string;
}) {
  const { t, lang } = useWords();
  const a = t.address;
  const [what, setWhat] = useState<'live' | 'range'>('live');
  const [expires, setExpires] = useState(HOUR_S);
  const [made, setMade] = useState<PlayerAddress | null>(null);
  const list = useList(async () =>
    (await api.addresses()).addresses.filter((one) => one.camera === camera && one.state === 'valid'),
  );
  const action = useAction();
  const range = what === 'range' && clip && clip.end > clip.start ? clip : null;

  return (
    <section class="panel" aria-labelledby="address-title" data-testid="address-panel">
      <h2 id="address-title">{a.title}</h2>
      <p class="hint">{a.text}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void action.run(async () => {
            setMade(await api.makeAddress(camera, range, expires));
            list.reload();
          });
        }}
      >
        <Field label={a.what}>
          {(f) => (
            <select
              {...f}
              data-testid="address-what"
              value={range ? 'range' : 'live'}
              onChange={(e) => setWhat(valueOf(e) === 'range' ? 'range' : 'live')}
            >
              <option value="live">{a.live}</option>
              <option value="range" disabled={!clip || clip.end <= clip.start}>
                {clip ? fill(a.range, { when: format.period(clip.start, clip.end, lang, zone) }) : a.chooseRange}
              </option>
            </select>
          )}
        </Field>
        <LengthField
          label={t.link.good}
          lengths={TIMES_S}
          value={expires}
          testid="address-expires"
          onValue={setExpires}
        />
        <ErrorText text={action.error} testid="address-error" />
        <div class="actions">
          <button type="submit" data-testid="address-make" disabled={action.busy}>
            {a.make}
          </button>
        </div>
      </form>
      {made ? <Made made={made} name={name} zone={zone} /> : null}
      {list.items && list.items.length > 0 ? <Good items={list.items} zone={zone} onEnd={list.reload} /> : null}
    </section>
  );
}

function Made({ made, name, zone }: { made: PlayerAddress; name: string; zone: string }) {
  const { t, lang } = useWords();
  const a = t.address;
  const address = location.origin + made.path;
  return (
    <div data-testid="address-made">
      <p role="status">
        {a.once} {fill(t.link.goodUntil, { when: format.dateTime(parseInstant(made.until), lang, zone) })}
      </p>
      <TakeAlong label={a.address} value={address} testid="address-value" />
      <details>
        <summary>{t.link.toPhone}</summary>
        <QrCode text={address} label={t.link.scan} testid="address-qr" />
        <p class="hint">{t.link.scan}</p>
      </details>
      <div class="actions">
        <a
          class="button"
          data-testid="address-open"
          download={`${made.camera}.m3u`}
          href={`data:audio/x-mpegurl;charset=utf-8,${encodeURIComponent(listFile(name, address))}`}
        >
          {a.open}
        </a>
        <CopyButton key={made.id} value={address} testid="address-copy" />
      </div>
    </div>
  );
}

function Good({ items, zone, onEnd }: { items: PlayerAddress[]; zone: string; onEnd: () => void }) {
  const { t, lang } = useWords();
  const a = t.address;
  const periodOf = ({ start, end }: PlayerAddress): string | null =>
    start && end ? format.period(parseInstant(start), parseInstant(end), lang, zone) : null;
  const action = useAction();
  return (
    <>
      <h3>{a.good}</h3>
      <ul class="clip-parts" data-testid="address-list">
        {items.map((one) => (
          <li key={one.id} data-testid="address-row">
            {periodOf(one) ?? a.live}, {fill(t.link.madeBy, { who: one.made_by })},{' '}
            {fill(a.until, { when: format.dateTime(parseInstant(one.until), lang, zone) })},{' '}
            {one.used ? fill(a.used, { when: format.dateTime(parseInstant(one.used), lang, zone) }) : a.unused}{' '}
            <button
              type="button"
              class="small danger"
              data-testid="address-revoke"
              disabled={action.busy}
              onClick={() => void action.run(() => api.revokeAddress(one.id)).then((ok) => ok && onEnd())}
            >
              {t.link.revoke}
            </button>
          </li>
        ))}
      </ul>
      <ErrorText text={action.error} testid="address-revoke-error" />
    </>
  );
}
