// Sealed exports: what was asked for, how far each is, where to fetch it; and the certificate that verifies it.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { API } from '../../shared/api/base';
import { fill, useWords } from '../../shared/i18n';
import { cameraHref, href } from '../../router';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { Certificate, Export, Me } from '../../shared/api/schema';
import { Confirm, ErrorText } from '../../shared/ui/dialog';
import { useList } from '../../shared/ui/list';
import { usePoll } from '../../shared/ui/poll';
import { Time } from '../../shared/ui/time';
import { ExportForm } from './export-form';
import { ExportLinks } from './export-links';
import { begins, share } from './export-share';
import { LinkForm } from './link-form';
import './cases.css';

export function ExportsPage({ me }: { me: Me }) {
  const { t } = useWords();
  const x = t.exports;
  const list = useList(() => api.exports().then((found) => found.exports));
  const [certificates, setCertificates] = useState<Certificate[]>([]);
  const [open, setOpen] = useState<{ kind: 'new' } | { kind: 'cancel' | 'link'; item: Export } | null>(null);
  useEffect(() => {
    document.title = `${x.title} – nvr`;
  }, [x]);
  useEffect(() => {
    api
      .certificates()
      .then((found) => setCertificates(found.certificates))
      .catch(() => undefined); // shown when it can be
  }, []);
  const moving = list.items?.some((item) => item.state === 'queued' || item.state === 'running');
  usePoll(async () => list.reload(), moving ? 1000 : 15000);
  const done = (): void => {
    setOpen(null);
    list.reload();
  };
  return (
    <div>
      <header class="page-head">
        <h1>{x.title}</h1>
        {me.second_person ? (
          <a class="button" href={href('cases')}>
            {t.cases.title}
          </a>
        ) : (
          <button type="button" class="primary" data-testid="new-export" onClick={() => setOpen({ kind: 'new' })}>
            {x.make}
          </button>
        )}
      </header>
      <p class="muted">
        {x.text}
        {me.second_person ? ` ${t.saving.second}` : ''}
      </p>
      <ErrorText text={list.error} testid="list-error" />
      {list.items?.length === 0 ? <p class="panel">{x.none}</p> : null}
      {list.items?.map((item) => (
        <ExportCard
          key={item.id}
          item={item}
          me={me}
          onCancel={() => setOpen({ kind: 'cancel', item })}
          onLink={() => setOpen({ kind: 'link', item })}
          onChange={() => list.reload()}
        />
      ))}
      {certificates.length > 0 ? (
        <section class="sec certificates" data-testid="certificates">
          <h2>{x.certificates}</h2>
          <p class="hint">{x.certificatesText}</p>
          <ul>
            {certificates.map((one) => (
              <li key={one.certificate_sha256}>
                <a href={`${API}/certificates/${one.certificate_sha256}.der`} download data-testid="certificate">
                  {one.subject}
                </a>
                {one.current ? ` (${x.inUse})` : ''} <code class="fingerprint">{one.certificate_sha256}</code>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      {open?.kind === 'new' ? <ExportForm zone={me.zone} onDone={done} onClose={() => setOpen(null)} /> : null}
      {open?.kind === 'link' ? (
        <LinkForm item={open.item} zone={me.zone} onMade={() => list.reload()} onClose={() => setOpen(null)} />
      ) : null}
      {open?.kind === 'cancel' ? (
        <Confirm
          title={x.cancelTitle}
          text={x.cancelText}
          action={x.cancel}
          work={() => api.cancelExport(open.item.id)}
          onDone={list.reload}
          onClose={() => setOpen(null)}
        />
      ) : null}
    </div>
  );
}

function ExportCard({
  item,
  me,
  onCancel,
  onLink,
  onChange,
}: {
  item: Export;
  me: Me;
  onCancel: () => void;
  onLink: () => void;
  onChange: () => void;
}) {
  const { t, lang } = useWords();
  const x = t.exports;
  const [start, end] = [parseInstant(item.start), parseInstant(item.end)];
  const part = share(item);
  const stated = (field: keyof Export['stated_by']) => {
    const who = item.stated_by[field];
    return who ? ` (${fill(x.asStatedBy, { who })})` : '';
  };
  return (
    <section class="exports-card" data-testid="export" data-state={item.state} data-id={item.id}>
      <header class="page-head">
        <h2>{item.case || x.noCase}</h2>
        <span class="row-actions">
          {item.download ? (
            <a
              class="button primary"
              href={item.download}
              download
              data-testid="export-download"
              onClick={api.onceProved}
            >
              {fill(x.download, { size: format.bytes(item.bytes ?? 0, lang) })}
            </a>
          ) : null}
          {item.download ? (
            <button type="button" class="small" data-testid="make-link" onClick={onLink}>
              {t.link.make}
            </button>
          ) : null}
          {item.state === 'done' && !item.may_download ? (
            <span class="hint" data-testid="export-not-yours">
              {x.notYours}
            </span>
          ) : null}
          {item.state === 'queued' || item.state === 'running' ? (
            <button type="button" class="small" data-testid="export-cancel" onClick={onCancel}>
              {x.cancel}
            </button>
          ) : null}
        </span>
      </header>
      <p>
        {item.cameras.map((id, i) => (
          <>
            {i > 0 ? ', ' : ''}
            <a key={id} href={cameraHref(id, { at: item.start })} title={id} translate={false}>
              {item.names[i] ?? id}
            </a>
          </>
        ))}
        {' · '}
        {format.period(start, end, lang, me.zone)} ({format.durationBetween(start, end, lang)})
      </p>
      <p>
        <strong data-testid="export-state">{x.states[item.state] ?? item.state}</strong>
        {item.state === 'running' ? (
          <>
            {' '}
            <progress max={100} value={part} aria-label={x.progress} data-testid="export-progress" />{' '}
            {fill(x.done, { percent: String(part) })}
          </>
        ) : null}
        {item.begins ? (
          <span class="hint" data-testid="export-begins">
            {' '}
            {begins(item, x.begins, lang, me.zone)}
          </span>
        ) : null}
        {item.reason ? <span class="hint"> {item.reason}</span> : null}
        {item.state === 'done' && !item.checked ? (
          <span class="hint" data-testid="export-unchecked">
            {' '}
            {x.unchecked}
          </span>
        ) : null}
      </p>
      {item.checked?.outcome === 'wrong' ? (
        <div class="error" role="alert" data-testid="export-wrong">
          <p>{x.wrong}</p>
          <ul>
            {item.checked.details.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </div>
      ) : null}
      {item.warnings.length > 0 ? (
        <div class="error" role="alert" data-testid="export-warnings">
          <p>{x.warnings}</p>
          <ul>
            {item.warnings.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </div>
      ) : null}
      <p class="hint">
        {fill(x.requestedBy, { who: item.requester || item.requested_by })}
        {stated('requester')} <Time at={parseInstant(item.requested)} zone={me.zone} />
        {item.legal_basis ? ` · ${item.legal_basis}` : ''}
        {stated('legal_basis')}
        {item.purpose ? ` · ${item.purpose}` : ''}
        {stated('purpose')}
        {item.approver ? ` · ${fill(x.approvedBy, { who: item.approver })}` : ''}
        {stated('approver')} · {item.id}
      </p>
      <ExportLinks item={item} zone={me.zone} onChange={onChange} />
    </section>
  );
}
