// One sealed export as a line of the list: for which case, what of which cameras, how far it is, where to fetch it;
// below it who asked for it and why, and its links.

import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { cameraHref } from '../../router';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { Export, Me } from '../../shared/api/schema';
import { Mark, type StateKind } from '../../shared/ui/mark';
import { Sign } from '../../shared/ui/signs';
import { Time } from '../../shared/ui/time';
import { ExportLinks } from './export-links';
import { begins, share } from './export-share';

const MOST_NAMES = 3;

function kindOf(item: Export): StateKind | null {
  if (item.state === 'failed' || item.checked?.outcome === 'wrong') return 'camera';
  if (item.state === 'done') return 'ok';
  return item.state === 'expired' || item.state === 'cancelled' ? 'policy' : null;
}

export function ExportLine({
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
  const kind = kindOf(item);
  const stated = (field: keyof Export['stated_by']) => {
    const who = item.stated_by[field];
    return who ? ` (${fill(x.asStatedBy, { who })})` : '';
  };
  const words = (
    <span data-testid="export-state">
      {x.states[item.state] ?? item.state}
      {item.state === 'done' && !item.checked ? (
        <span class="hint" data-testid="export-unchecked">
          {' '}
          {x.unchecked}
        </span>
      ) : null}
    </span>
  );
  return (
    <li class="export-line" data-testid="export" data-state={item.state} data-id={item.id}>
      <Sign name="seal" />
      <span class="what">
        <b class="strong" translate={false}>
          {item.case || x.noCase}
        </b>
        <small>
          {item.cameras.slice(0, MOST_NAMES).map((id, i) => (
            <span key={id}>
              {i > 0 ? ', ' : ''}
              <a href={cameraHref(id, { at: item.start })} title={id} translate={false}>
                {item.names[i] ?? id}
              </a>
            </span>
          ))}
          {item.cameras.length > MOST_NAMES ? ` ${fill(t.orders.more, { n: item.cameras.length - MOST_NAMES })}` : ''}
          {' · '}
          {format.period(start, end, lang, me.zone)} ({format.durationBetween(start, end, lang)})
        </small>
      </span>
      <span class="how">
        {kind ? <Mark kind={kind}>{words}</Mark> : words}
        {item.state === 'running' ? (
          <>
            {' '}
            <progress max={100} value={part} aria-label={x.progress} data-testid="export-progress" />{' '}
            {fill(x.done, { percent: String(part) })}
          </>
        ) : null}
        {item.begins ? <small data-testid="export-begins">{begins(item, x.begins, lang, me.zone)}</small> : null}
        {item.reason ? <small>{item.reason}</small> : null}
      </span>
      <span class="row-actions">
        {item.download ? (
          <>
            <a
              class="button small"
              href={item.download}
              download
              data-testid="export-download"
              onClick={api.onceProved}
            >
              {fill(x.download, { size: format.bytes(item.bytes ?? 0, lang) })}
            </a>
            <button type="button" class="small" data-testid="make-link" onClick={onLink}>
              {t.link.make}
            </button>
          </>
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
      {item.checked?.outcome === 'wrong' ? (
        <div class="error more" role="alert" data-testid="export-wrong">
          <p>{x.wrong}</p>
          <ul>
            {item.checked.details.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </div>
      ) : null}
      {item.warnings.length > 0 ? (
        <div class="error more" role="alert" data-testid="export-warnings">
          <p>{x.warnings}</p>
          <ul>
            {item.warnings.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </div>
      ) : null}
      <details class="more" open={item.links.length > 0}>
        <summary class="hint">
          {fill(x.requestedBy, { who: item.requester || item.requested_by })}
          {stated('requester')} <Time at={parseInstant(item.requested)} zone={me.zone} />
        </summary>
        <p class="hint">
          {[
            item.legal_basis ? `${item.legal_basis}${stated('legal_basis')}` : '',
            item.purpose ? `${item.purpose}${stated('purpose')}` : '',
            item.approver ? `${fill(x.approvedBy, { who: item.approver })}${stated('approver')}` : '',
            item.id,
          ]
            .filter(Boolean)
            .join(' · ')}
        </p>
        <ExportLinks item={item} zone={me.zone} onChange={onChange} />
      </details>
    </li>
  );
}
