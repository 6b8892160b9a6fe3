import { render } from 'preact';
import { App } from './app';
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
startSession();
render(<App />, document.getElementById('app')!);
