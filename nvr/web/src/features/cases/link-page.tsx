// What somebody sees who was given a link to an export: what it is, for whom and until when, and its download. Without
// a login. The secret is behind '#' in the address, which no browser sends; it goes to the server in a body, once the
// page is shown.

import { useEffect, useState } from 'preact/hooks';
import { BASE } from '../../shared/api/base';
import * as api from '../../shared/api/client';
import { LanguageChoice } from '../../shared/ui/language';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { OpenedLink } from '../../shared/api/schema';
import { ErrorText } from '../../shared/ui/dialog';
import { Time } from '../../shared/ui/time';
import { errorWords } from '../../shared/i18n/words';

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
        <h1>{l.title}</h1>
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
  const onDownload = (event: Event): void => {
    if (isFresh()) return;
    event.preventDefault();
    void reopen().then((again) => again && location.assign(again.download));
  };
  return (
    <section class="panel" data-testid="link-opened">
      <dl class="facts">
        <dt>{l.recipient}</dt>
        <dd data-testid="link-recipient">{told.recipient}</dd>
        {told.case ? (
          <>
            <dt>{l.case}</dt>
            <dd>{told.case}</dd>
          </>
        ) : null}
        <dt>{l.cameras}</dt>
        <dd data-testid="link-cameras">
          {told.cameras
            .map((camera) => (camera.name === camera.id ? camera.id : `${camera.name} (${camera.id})`))
            .join(', ')}
        </dd>
        <dt>{l.range}</dt>
        <dd data-testid="link-range">
          {format.period(start, end, lang, told.zone)} ({format.durationBetween(start, end, lang)})
        </dd>
        <dt>{l.size}</dt>
        <dd data-testid="link-size">{format.bytes(told.bytes, lang)}</dd>
        <dt>{l.until}</dt>
        <dd data-testid="link-until">
          <Time at={parseInstant(told.until)} zone={told.zone} />
        </dd>
      </dl>
      <p>
        <a
          class="button primary"
          href={told.download}
          download={told.name}
          data-testid="link-download"
          onClick={onDownload}
        >
          {fill(t.exports.download, { size: format.bytes(told.bytes, lang) })}
        </a>
      </p>
      <p class="hint">{l.personal}</p>
      <p class="hint">
        {l.verify} <code>nvr verify {told.name}</code>
      </p>
    </section>
  );
}
