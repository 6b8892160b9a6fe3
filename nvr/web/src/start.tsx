// The app itself, for whoever may log in.

import { render } from 'preact';
import { App } from './app';
import { startRouter } from './router';
import { startSession } from './session';

export function start(root: HTMLElement): void {
  startRouter();
  startSession();
  render(<App />, root);
}
