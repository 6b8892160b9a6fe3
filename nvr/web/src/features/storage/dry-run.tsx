// Other rules, tried: what they would delete now. Nothing is changed by trying; what was shown can be deleted by its
// hash alone.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { Preview, Retention } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { Confirm, ErrorText } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';
import { toast } from '../../shared/ui/toast';
import { ageText, readAge } from './rules';

interface Tried {
  /** Of a rule; of a camera its id alone. */
  match: Record<string, string>;
  camera?: string;
  max: string;
  min: string;
}

interface DryRunProps {
  rules: Retention;
  isWhole: boolean;
  zone: string;
  onApplied: () => void;
}

/** Of every rule; or where they concern more than one's own cameras, not `isWhole`, of these by themselves. */
export function DryRun({ rules, isWhole, zone, onApplied }: DryRunProps) {
  const { t, lang } = useWords();
  const s = t.storage;
  const first = (): Tried[] =>
    isWhole
      ? [...rules.labels, { match: {}, ...rules.default }].map((rule) => ({
          match: rule.match,
          max: ageText(rule.max_age_s),
          min: ageText(rule.min_age_s),
        }))
      : rules.cameras.map((one) => ({
          match: {},
          camera: one.camera,
          max: ageText(one.own.max_age_s),
          min: ageText(one.own.min_age_s),
        }));
  const [tried, setTried] = useState<Tried[]>(first);
  const [found, setFound] = useState<Preview | null>(null);
  const [deleting, setDeleting] = useState(false);
  const action = useAction();
  const wrong = tried.some((one) => readAge(one.max) === undefined || readAge(one.min) === undefined);
  const set = (at: number, change: Partial<Tried>): void => {
    setTried(tried.map((one, other) => (other === at ? { ...one, ...change } : one)));
    setFound(null);
  };
  const ages = (one: Tried) => ({ max_age_s: readAge(one.max) ?? null, min_age_s: readAge(one.min) ?? null });
  const run = (): void =>
    void action.run(async () => {
      if (!isWhole) {
        setFound(
          await api.previewRetention({ cameras: Object.fromEntries(tried.map((one) => [one.camera!, ages(one)])) }),
        );
        return;
      }
      const labels = tried
        .filter((one) => Object.keys(one.match).length > 0)
        .map((one, at) => ({ match: one.match, ...ages(one), max_bytes: rules.labels[at]?.max_bytes ?? null }));
      const rest = tried[tried.length - 1]!;
      setFound(await api.previewRetention({ default: ages(rest), ...(labels.length > 0 ? { labels } : {}) }));
    });
  return (
    <details class="sec dry-run" data-testid="dry-run">
      <summary>
        <h2>{s.tryRules}</h2>
        <span class="cap">{s.tryHint}</span>
      </summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!wrong) run();
        }}
      >
        {tried.map((one, at) => {
          const name = Object.entries(one.match)
            .map(([label, value]) => `${label}=${value}`)
            .join(', ');
          return (
            <fieldset key={one.camera ?? name} class="try-rule">
              <legend translate={false}>{one.camera ?? (name || s.allOthers)}</legend>
              <TextField
                label={s.atMost}
                data-testid={`try-max-${at}`}
                value={one.max}
                error={readAge(one.max) === undefined ? s.ageWrong : null}
                onValue={(max) => set(at, { max })}
              />
              <TextField
                label={s.atLeast}
                data-testid={`try-min-${at}`}
                value={one.min}
                error={readAge(one.min) === undefined ? s.ageWrong : null}
                onValue={(min) => set(at, { min })}
              />
            </fieldset>
          );
        })}
        <div class="actions">
          <button type="submit" data-testid="try-run" disabled={action.busy || wrong}>
            {action.busy ? t.loading : s.dryRun}
          </button>
        </div>
      </form>
      <ErrorText text={action.error} testid="try-error" />
      {found ? (
        <div class="note" role="status" data-testid="try-result" data-segments={found.segments}>
          <div>
            <b class="strong">
              {found.segments === 0
                ? s.deletesNothing
                : fill(s.deletes, {
                    hours: format.number(Math.floor(found.hours), lang),
                    cameras: format.number(found.cameras, lang),
                    size: format.bytes(found.bytes, lang),
                  })}
            </b>
            {found.oldest ? (
              <p>{fill(s.oldest, { time: format.dateTime(parseInstant(found.oldest), lang, zone) })}</p>
            ) : null}
            <p class="hint">{isWhole ? s.enterHint : s.ownHint}</p>
            {found.segments > 0 ? (
              <button type="button" class="danger" data-testid="try-delete" onClick={() => setDeleting(true)}>
                {s.deleteNow}
              </button>
            ) : null}
          </div>
        </div>
      ) : null}
      {deleting && found ? (
        <Confirm
          title={s.deleteNow}
          text={fill(s.deletes, {
            hours: format.number(Math.floor(found.hours), lang),
            cameras: format.number(found.cameras, lang),
            size: format.bytes(found.bytes, lang),
          })}
          action={s.deleteNow}
          work={() => api.applyRetention(found.plan_hash)}
          onDone={() => {
            setFound(null);
            toast({ text: s.deleted });
            onApplied();
          }}
          onClose={() => setDeleting(false)}
        />
      ) : null}
    </details>
  );
}
