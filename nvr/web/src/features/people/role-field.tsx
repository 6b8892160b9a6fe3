// The choice of a role, with what it allows.

import { useWords } from '../../shared/i18n';
import type { Role } from '../../shared/api/schema';
import { Field, valueOf } from '../../shared/ui/field';

const ROLES: readonly Role[] = ['viewer', 'investigator', 'admin', 'auditor', 'technician'];

export function RoleField({ role, onRole, testid }: { role: Role; onRole: (role: Role) => void; testid: string }) {
  const { t } = useWords();
  return (
    <Field label={t.admin.role} hint={t.roleHints[role]}>
      {(f) => (
        <select {...f} data-testid={testid} value={role} onChange={(e) => onRole(valueOf(e) as Role)}>
          {ROLES.map((name) => (
            <option key={name} value={name}>
              {t.roles[name]}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
