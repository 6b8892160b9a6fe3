// What somebody sees who was given a link to an export: what it is, for whom and until when, and its download. Without
// a login. The secret is behind '#' in the address, which no browser sends; it goes to the server in a body, once the
// page is shown.

import { useEffect, useState } from 'preact/hooks';
import { API, BASE } from '../../shared/api/base';
import * as api from '../../shared/api/client';
import { LanguageChoice } from '../../shared/ui/language';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { OpenedLink } from '../../shared/api/schema';
import { ErrorText } from '../../shared/ui/dialog';
import { Time } from '../../shared/ui/time';
import { causeWords, errorWords } from '../../shared/i18n/words';
import { Sign } from '../../shared/ui/signs';
import { LinkVideos } from './link-videos';
import './link.css';

const MOST_GAPS = 5;

/** The cookie is good for an hour; a little before, the link is opened again. */
const REOPEN_MS = 50 * 60_000;

export function LinkPage({ link }: { link: string }) {
  const { t, lang } = useWords();
  const l = t.link;
  const [opened, setOpened] = useState<{ told: OpenedLink; at: number } | null>(null);
  const [failure, setFailure] = useState<{ error: unknown } | null>(null);
  const open = async (): Promise<OpenedLink | null> => {
    try {
      const told = await api.openLink(link);
      setOpened({ told, at: Date.now() });
      setFailure(null);
      return told;
    } catch (error) {
      setOpened(null);
      setFailure({ error });
      return null;
    }
  };
  useEffect(() => {
    void open();
  }, [link]);
  useEffect(() => {
    document.title = `${l.title} – nvr`;
  }, [l]);
  const isOver = failure?.error instanceof api.ApiError && failure.error.code === 'link_not_valid';
  return (
    <>
      <header class="top">
        <span class="brand">
          <img src={`${BASE}/favicon.svg`} alt="" width="24" height="24" /> {opened?.told.server ?? 'nvr'}
        </span>
        <div class="top-end">
          <LanguageChoice />
        </div>
      </header>
      <main id="content" class="page link-page" data-testid="link-page">
        <h1>
          {l.title}
          {opened ? <small>{fill(l.forWhom, { who: opened.told.recipient })}</small> : null}
        </h1>
        {!opened && !failure ? (
          <p class="panel" role="status">
            {t.loading}
          </p>
        ) : null}
        {isOver ? (
          <section class="panel" data-testid="link-over">
            <p>
              <strong>{l.notValid}</strong>
            </p>
            <p>{l.notValidText}</p>
          </section>
        ) : null}
        {failure && !isOver ? (
          <section class="panel">
            <ErrorText text={errorWords(failure.error, t, lang)} testid="link-error" />
            <button type="button" class="primary" data-testid="link-again" onClick={() => void open()}>
              {t.retry}
            </button>
          </section>
        ) : null}
        {opened ? <Opened told={opened.told} isFresh={() => Date.now() - opened.at < REOPEN_MS} reopen={open} /> : null}
      </main>
    </>
  );
}

function Opened({
  told,
  isFresh,
  reopen,
}: {
  told: OpenedLink;
  isFresh: () => boolean;
  reopen: () => Promise<OpenedLink | null>;
}) {
  const { t, lang } = useWords();
  const l = t.link;
  const [start, end] = [parseInstant(told.start), parseInstant(told.end)];
  const names = new Map(told.cameras.map((camera) => [camera.id, camera.name]));
  const onDownload = (event: Event): void => {
    if (isFresh()) return;
    event.preventDefault();
    void reopen().then((again) => again && location.assign(again.download));
  };
  return (
    <div class="link-body" data-testid="link-opened">
      <LinkVideos told={told} reopen={reopen} />
      <div>
        <dl class="kv">
          <dt>{l.recipient}</dt>
          <dd data-testid="link-recipient">{told.recipient}</dd>
          {told.case ? (
            <>
              <dt>{l.case}</dt>
              <dd translate={false}>{told.case}</dd>
            </>
          ) : null}
          <dt>{l.cameras}</dt>
          <dd data-testid="link-cameras" translate={false}>
            {told.cameras
              .map((camera) => (camera.name === camera.id ? camera.id : `${camera.name} (${camera.id})`))
              .join(', ')}
          </dd>
          <dt>{l.range}</dt>
          <dd data-testid="link-range">
            {format.period(start, end, lang, told.zone)} ({format.durationBetween(start, end, lang)})
            <br />
            <span class="faint">
              {format.utc(start)} – {format.utc(end)}
            </span>
          </dd>
          {told.requester ? (
            <>
              <dt>{l.askedBy}</dt>
              <dd>
                {told.requester}
                {told.approver ? `, ${fill(t.exports.approvedBy, { who: told.approver })}` : ''}
              </dd>
            </>
          ) : null}
          <dt>{l.size}</dt>
          <dd data-testid="link-size">{format.bytes(told.bytes, lang)}</dd>
          <dt>{l.until}</dt>
          <dd data-testid="link-until">
            <Time at={parseInstant(told.until)} zone={told.zone} />
          </dd>
        </dl>
        <a
          class="button primary link-download"
          href={told.download}
          download={told.name}
          data-testid="link-download"
          onClick={onDownload}
        >
          {fill(t.exports.download, { size: format.bytes(told.bytes, lang) })}
        </a>
        <p class="hint">{l.personal}</p>
        {told.gaps.length > 0 ? (
          <div class="note network" role="note" data-testid="link-gaps">
            <Sign name="info" />
            <div>
              {t.exports.warnings}
              <ul>
                {told.gaps.slice(0, MOST_GAPS).map((gap) => (
                  <li key={`${gap.camera} ${gap.start}`}>
                    <span translate={false}>{names.get(gap.camera) ?? gap.camera}</span>:{' '}
                    {format.period(parseInstant(gap.start), parseInstant(gap.end), lang, told.zone)},{' '}
                    {gap.cause ? causeWords(gap.cause, t) : l.notDelivered}
                  </li>
                ))}
                {told.gaps.length > MOST_GAPS ? <li>{fill(l.moreGaps, { n: told.gaps.length - MOST_GAPS })}</li> : null}
              </ul>
            </div>
          </div>
        ) : null}
      </div>
      <section class="sec link-check" data-testid="link-check">
        <h2>{l.check}</h2>
        <p>{l.checkText}</p>
        <p class="row wrap">
          <a class="button" href={`${BASE}/verifier.html`} target="_blank" rel="noopener" data-testid="link-verifier">
            {l.openVerifier}
          </a>
          <a class="button" href={`${BASE}/verifier.html`} download="verify.html">
            {l.saveVerifier}
          </a>
          <a
            class="button"
            href={`${API}/certificates/${told.certificate_sha256}.der`}
            download
            data-testid="link-certificate"
          >
            {l.certificate}
          </a>
        </p>
        <dl class="kv">
          <dt>{l.signer}</dt>
          <dd>{told.signer}</dd>
          <dt>{l.fingerprint}</dt>
          <dd>
            <code class="fingerprint" data-testid="link-fingerprint">
              {told.certificate_sha256}
            </code>
          </dd>
        </dl>
        <p class="hint">
          {l.verify} <code>nvr verify {told.name}</code>
        </p>
      </section>
    </div>
  );
}
