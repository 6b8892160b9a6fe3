// A request in its case: its way, what it asks for in pictures, the decision for who may decide, the package and its
// links.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { cameraHref } from '../../router';
import type { Export, FootageRequest, Me } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { Sign } from '../../shared/ui/signs';
import { toast } from '../../shared/ui/toast';
import { RequestPath } from './case-path';
import type { Decision } from './case-forms';
import { ExportLinks } from './export-links';

const MOST_PICTURES = 8;

interface SectionProps {
  made: FootageRequest;
  number: number;
  me: Me;
  item: Export | undefined;
  onChange: () => void;
  onLink: (item: Export) => void;
  decide: (what: Decision['what']) => void;
}

export function RequestSection({ made, number, me, item, onChange, onLink, decide }: SectionProps) {
  const { t, lang } = useWords();
  const c = t.cases;
  const [start, end] = [parseInstant(made.start), parseInstant(made.end)];
  return (
    <section
      class="req"
      data-testid="request-row"
      data-state={made.state}
      aria-label={fill(c.requestNo, { n: number })}
    >
      <header>
        <h2>{fill(c.requestNo, { n: number })}</h2>
        <span class="mut">{made.purpose}</span>
        <span class="cap" data-testid="request-range">
          {format.period(start, end, lang, me.zone)}, {format.durationBetween(start, end, lang)}
        </span>
      </header>
      <RequestPath made={made} item={item} zone={me.zone} />
      <ul class="pics">
        {made.cameras.slice(0, MOST_PICTURES).map((id, at) => (
          <li key={id}>
            <CameraPicture id={id} name={made.names[at] ?? id} at={(start + end) / 2} from={made.start} />
          </li>
        ))}
      </ul>
      {made.cameras.length > MOST_PICTURES ? (
        <p class="mut">{fill(c.moreCameras, { n: format.number(made.cameras.length - MOST_PICTURES, lang) })}</p>
      ) : null}
      {made.decision ? (
        <p class="mut" data-testid="request-decision">
          {made.decided_by}: {made.decision}
        </p>
      ) : null}
      {made.state === 'asked' ? <Deciding made={made} decide={decide} onChange={onChange} /> : null}
      {item?.download ? (
        <div class="file">
          <Sign name="seal" />
          <b class="strong mono" translate={false}>
            {fileName(item)}
          </b>
          <button type="button" data-testid="request-link" onClick={() => onLink(item)}>
            {t.link.make}
          </button>
          <a class="button" href={item.download} download data-testid="request-download" onClick={api.onceProved}>
            {fill(t.exports.download, { size: format.bytes(item.bytes ?? 0, lang) })}
          </a>
          <p>
            {fill(c.sealedAt, { time: format.dateTime(parseInstant(item.ended ?? item.requested), lang, me.zone) })}
            {item.approver ? ` · ${fill(t.exports.approvedBy, { who: item.approver })}` : ''}
          </p>
        </div>
      ) : null}
      {item && item.state === 'done' && !item.may_download ? <p class="mut">{t.exports.notYours}</p> : null}
      {item ? <ExportLinks item={item} zone={me.zone} onChange={onChange} /> : null}
      {item && item.warnings.length > 0 ? (
        <div class="note network" role="note" data-testid="request-warnings">
          <Sign name="info" />
          <div>
            {t.exports.warnings}
            <ul>
              {item.warnings.map((text) => (
                <li key={text}>{text}</li>
              ))}
            </ul>
          </div>
        </div>
      ) : null}
      {made.state === 'approved' ? <MakeExport made={made} item={item} onMade={onChange} /> : null}
    </section>
  );
}

function fileName(item: Export): string {
  return item.files.length > 0 ? `export-${item.id}.zip` : item.id;
}

/** The first picture of what was asked for; a word where there is none. */
function CameraPicture({ id, name, at, from }: { id: string; name: string; at: number; from: string }) {
  const { t } = useWords();
  const [broken, setBroken] = useState(false);
  return (
    <a class="pc" href={cameraHref(id, { at: from })}>
      <span class="thumb">
        {broken ? (
          <span class="no-picture">{t.cases.noPicture}</span>
        ) : (
          <img src={api.snapshotUrl(id, at, 320)} alt="" loading="lazy" onError={() => setBroken(true)} />
        )}
      </span>
      <b class="ell" translate={false}>
        {name}
      </b>
    </a>
  );
}

function Deciding({
  made,
  decide,
  onChange,
}: {
  made: FootageRequest;
  decide: SectionProps['decide'];
  onChange: () => void;
}) {
  const { t } = useWords();
  const c = t.cases;
  const [reason, setReason] = useState('');
  const action = useAction();
  const run = (what: 'approve' | 'refuse') =>
    void action
      .run(() => api.decide(what, made.id, reason.trim(), false))
      .then((ok) => {
        if (!ok) return;
        toast({ text: what === 'approve' ? c.approvedToast : c.states.refused });
        onChange();
      });
  if (!made.may_decide)
    return made.mine ? (
      <div class="dec">
        <button type="button" data-testid="withdraw" onClick={() => decide('withdraw')}>
          {c.withdraw}
        </button>
      </div>
    ) : null;
  return (
    <>
      <div class="dec">
        <input
          class="in"
          aria-label={c.reason}
          placeholder={c.reasonToRefuse}
          data-testid="decision-reason"
          value={reason}
          onInput={(e) => setReason(e.currentTarget.value)}
        />
        {made.mine ? (
          <button type="button" data-testid="withdraw" onClick={() => decide('withdraw')}>
            {c.withdraw}
          </button>
        ) : (
          <button
            type="button"
            class="danger"
            data-testid="refuse"
            disabled={action.busy || reason.trim() === ''}
            onClick={() => run('refuse')}
          >
            {c.refuse}
          </button>
        )}
        <button
          type="button"
          class="primary"
          data-testid="approve"
          disabled={action.busy}
          onClick={() => run('approve')}
        >
          {c.approveAndSeal}
        </button>
      </div>
      <ErrorText text={action.error} testid="decision-error" />
    </>
  );
}

/** An approval makes the export. It is asked for again when there is none any more. */
function MakeExport({ made, item, onMade }: { made: FootageRequest; item: Export | undefined; onMade: () => void }) {
  const { t } = useWords();
  const action = useAction();
  if (item ? ['queued', 'running', 'done'].includes(item.state) : made.export !== null) return null;
  return (
    <div class="dec">
      <button
        type="button"
        class="primary"
        data-testid="make-export"
        disabled={action.busy}
        onClick={() => void action.run(() => api.exportRequest(made.id)).then((ok) => ok && onMade())}
      >
        {t.exports.make}
      </button>
      <ErrorText text={action.error} testid="make-export-error" />
    </div>
  );
}
