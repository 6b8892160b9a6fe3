import { render } from 'preact';
import { BASE } from './shared/api/base';
import { linkOf } from './features/cases/link-address';
import { startLanguage } from './shared/i18n';
import { startTheme } from './shared/theme';
import './styles/tokens.css';
import './styles/base.css';
import './styles/forms.css';
import './styles/parts.css';
import './styles/frame.css';
import './styles/pages.css';
import './styles/player.css';
import './styles/timeline.css';

startLanguage();
startTheme();
const root = document.getElementById('app')!;
// Citizens have no session, and nothing of the app but one page.
const isEmbedded = location.pathname === `${BASE}/embed`;
const isPublic = isEmbedded || location.pathname === `${BASE}/public`;
// Whoever was given a link to an export has none either.
const link = isPublic ? null : linkOf(location.hash);
addEventListener('hashchange', () => {
  if (!isPublic && linkOf(location.hash) !== link) location.reload();
});
if (isPublic)
  void import('./features/public/public-page').then(({ PublicPage }) =>
    render(<PublicPage isEmbedded={isEmbedded} />, root),
  );
else if (link !== null)
  void import('./features/cases/link-page').then(({ LinkPage }) => render(<LinkPage link={link} />, root));
else void import('./start').then(({ start }) => start(root));
