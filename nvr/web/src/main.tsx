import { render } from 'preact';
import { App } from './app';
import { BASE } from './shared/api/base';
import { LinkPage, linkOf } from './features/cases/link-page';
import { PublicPage } from './features/public/public-page';
import { startLanguage } from './shared/i18n';
import { startRouter } from './router';
import { startSession } from './session';
import './styles/base.css';
import './styles/forms.css';
import './styles/pages.css';
import './styles/player.css';
import './styles/timeline.css';

startLanguage();
startRouter();
// Citizens have no session, and nothing of the app but one page.
const isPublic = location.pathname === `${BASE}/public`;
// Whoever was given a link to an export has none either.
const link = isPublic ? null : linkOf(location.hash);
addEventListener('hashchange', () => {
  if (!isPublic && linkOf(location.hash) !== link) location.reload();
});
if (!isPublic && link === null) startSession();
render(isPublic ? <PublicPage /> : link !== null ? <LinkPage link={link} /> : <App />, document.getElementById('app')!);
