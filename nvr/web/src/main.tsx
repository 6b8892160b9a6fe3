import { render } from 'preact';
import { App } from './app';
import { PublicPage } from './public/public-page';
import { startLanguage } from './i18n';
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
const isPublic = location.pathname === '/public';
if (!isPublic) startSession();
render(isPublic ? <PublicPage /> : <App />, document.getElementById('app')!);
