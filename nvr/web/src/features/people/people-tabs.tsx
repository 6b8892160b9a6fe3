// The way between the pages of people and access.

import { href } from '../../router';
import { useWords } from '../../shared/i18n';

export type PeopleTab = 'users' | 'groups' | 'camera' | 'grants' | 'tokens';

export function PeopleTabs({ current }: { current: PeopleTab }) {
  const { t } = useWords();
  const tabs: Array<[PeopleTab, string, string]> = [
    ['users', t.admin.usersTitle, href('users')],
    ['groups', t.groups.title, href('users', { tab: 'groups' })],
    ['camera', t.access.whoSees, href('users', { tab: 'camera' })],
    ['grants', t.access.title, href('grants')],
    ['tokens', t.admin.tokensTitle, href('tokens')],
  ];
  return (
    <nav class="tabs people-tabs" aria-label={t.access.people}>
      {tabs.map(([name, words, to]) => (
        <a
          key={name}
          href={to}
          data-testid={`people-${name}`}
          {...(name === current ? { 'aria-current': 'page' } : {})}
        >
          {words}
        </a>
      ))}
    </nav>
  );
}
