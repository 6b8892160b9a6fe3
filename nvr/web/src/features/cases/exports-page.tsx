// Sealed exports: what was asked for, how far each is, where to fetch it; and the certificate that verifies it.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { API } from '../../shared/api/base';
import { useWords } from '../../shared/i18n';
import { href } from '../../router';
import type { Certificate, Export, Me } from '../../shared/api/schema';
import { Confirm, ErrorText } from '../../shared/ui/dialog';
import { useList } from '../../shared/ui/list';
import { usePoll } from '../../shared/ui/poll';
import { ExportForm } from './export-form';
import { ExportLine } from './export-line';
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
        <div>
          <h1>{x.title}</h1>
          <p>
            {x.text}
            {me.second_person ? ` ${t.saving.second}` : ''}
          </p>
        </div>
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
      <ErrorText text={list.error} testid="list-error" />
      {list.items?.length === 0 ? <p class="note">{x.none}</p> : null}
      <ul class="export-list">
        {list.items?.map((item) => (
          <ExportLine
            key={item.id}
            item={item}
            me={me}
            onCancel={() => setOpen({ kind: 'cancel', item })}
            onLink={() => setOpen({ kind: 'link', item })}
            onChange={() => list.reload()}
          />
        ))}
      </ul>
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
