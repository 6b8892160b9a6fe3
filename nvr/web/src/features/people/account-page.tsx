// What everyone may see and change of their own.

import { useWords } from '../../shared/i18n';
import type { Me } from '../../shared/api/schema';
import { FactorPanel } from './factor-panel';
import { MyGrants } from './my-grants';
import { PasswordForm } from './password-form';
import { SessionList } from './sessions';

export function AccountPage({ me }: { me: Me }) {
  const { t } = useWords();
  const a = t.account;
  return (
    <div class="narrow">
      <header class="page-head">
        <h1>{a.title}</h1>
      </header>
      <dl class="panel facts" data-testid="account">
        <dt>{a.user}</dt>
        <dd>{me.user}</dd>
        <dt>{a.role}</dt>
        <dd>
          {t.roles[me.role]} <span class="muted">({t.roleHints[me.role]})</span>
        </dd>
        <dt>{a.zone}</dt>
        <dd>{me.zone}</dd>
        <dt>{a.version}</dt>
        <dd>{me.version}</dd>
      </dl>
      <section class="panel">
        <h2>{t.admin.changePassword}</h2>
        <PasswordForm user={me.user} own />
      </section>
      <section class="panel">
        <h2>{t.factor.title}</h2>
        <FactorPanel me={me} />
      </section>
      <section class="panel">
        <h2>{t.access.mine}</h2>
        <MyGrants zone={me.zone} />
      </section>
      <SessionList me={me} />
    </div>
  );
}
