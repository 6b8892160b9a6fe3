// Rights in words: what a role is called, which cameras and footage, what may be done.

import { fill, named, useWords } from '../../shared/i18n';
import { ACCESS_ACTION_VALUES, type AccessAction, type Grant } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { Sign } from '../../shared/ui/signs';
import { Time } from '../../shared/ui/time';

/** A built-in role in the reader's language; one of the installation's own as it is called. */
export function roleName(name: string, known: Record<string, string>): string {
  return known[name] ?? name;
}

export function FootageWords({ grant, zone }: { grant: Grant; zone: string }) {
  const { t, lang } = useWords();
  const { kind, last_s, start, end } = grant.footage;
  if (kind === 'last') return <>{fill(t.access.lastOf, { length: format.duration(last_s ?? 0, lang) })}</>;
  if (kind !== 'range' || !start || !end) return <>{t.access.kinds[kind ?? 'all']}</>;
  return (
    <>
      <Time at={parseInstant(start)} zone={zone} /> – <Time at={parseInstant(end)} zone={zone} />
    </>
  );
}

/** What is always told, given or not; others only where they are given. */
const MAIN: readonly AccessAction[] = ['live', 'playback', 'clip', 'request', 'approve'];

export function MayWords({ actions }: { actions: readonly AccessAction[] }) {
  const { t } = useWords();
  return (
    <span class="may-list">
      {ACCESS_ACTION_VALUES.filter((name) => actions.includes(name) || MAIN.includes(name)).map((name) => {
        const is = actions.includes(name);
        return (
          <span key={name} class={`may${is ? '' : ' no'}`} data-may={is ? name : undefined}>
            {is ? <Sign name="check" /> : null}
            {is ? '' : <span class="vh">{t.access.not} </span>}
            {named(t.access.actions, name) ?? name}
          </span>
        );
      })}
    </span>
  );
}
