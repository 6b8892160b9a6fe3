// Light or dark: by choice, else as the device has it; watching is always dark, whatever was chosen.

import { createStore } from './store';

export type ThemeChoice = 'light' | 'dark' | 'system';
export const THEMES: readonly ThemeChoice[] = ['light', 'dark', 'system'];

const KEY = 'nvr.theme';

function stored(): ThemeChoice {
  try {
    const saved = localStorage.getItem(KEY);
    return THEMES.find((one) => one === saved) ?? 'system';
  } catch {
    return 'system'; // storage can be forbidden; the page works without it
  }
}

export const themeChoice = createStore<ThemeChoice>(typeof localStorage === 'undefined' ? 'system' : stored());
/** What is shown now. */
export const theme = createStore<'light' | 'dark'>('light');

const device = typeof matchMedia === 'undefined' ? null : matchMedia('(prefers-color-scheme: dark)');
let watching = false;
/** Paper is white: colours are those of the light appearance there, whatever was chosen. */
let printing = false;

export function themeFor(choice: ThemeChoice, deviceIsDark: boolean, isWatching: boolean): 'light' | 'dark' {
  if (isWatching) return 'dark';
  return choice === 'system' ? (deviceIsDark ? 'dark' : 'light') : choice;
}

function apply(): void {
  const next = printing ? 'light' : themeFor(themeChoice.get(), device?.matches ?? false, watching);
  document.documentElement.dataset.theme = next;
  theme.set(next);
}

export function startTheme(): void {
  device?.addEventListener('change', apply);
  for (const [name, is] of [
    ['beforeprint', true],
    ['afterprint', false],
  ] as const)
    addEventListener(name, () => {
      printing = is;
      apply();
    });
  apply();
}

export function setTheme(next: ThemeChoice): void {
  themeChoice.set(next);
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // as above
  }
  apply();
}

/** Called by the frame: whether the page that is open is for watching. */
export function setWatching(is: boolean): void {
  watching = is;
  apply();
}
