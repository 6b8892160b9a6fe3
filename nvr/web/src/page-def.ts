// What a feature says of each of its pages. A feature registers them in its own `features/NAME/pages.ts`, whose default
// export is a `PageDef[]`; nothing else has to know of them.

import type { ComponentType } from 'preact';
import type { Words } from './shared/i18n';
import type { AccessAction, Me } from './shared/api/schema';
import type { SignName } from './shared/ui/signs';

export type NavGroup = 'watch' | 'find' | 'evidence' | 'health' | 'decisions' | 'setup';
export const NAV_GROUPS: readonly NavGroup[] = ['watch', 'find', 'evidence', 'health', 'decisions', 'setup'];

export interface PageProps {
  me: Me;
  /** What stands for `:id` in the path, else ''. */
  id: string;
  /** The query of the address; `setQuery` of the router changes it. */
  params: URLSearchParams;
}

export interface PageDef {
  /** Unique; `href(name)` leads there, and the link in the rail has `data-testid="nav-NAME"`. */
  name: string;
  /** Of the part after '#', such as `/cases` or `/cases/:id`. */
  path: string;
  /** The right without which it is not for somebody, or one of several; null: for whoever is logged in. */
  needs: AccessAction | readonly AccessAction[] | null;
  title: (t: Words) => string;
  /** Loaded when it is opened first, so that nobody loads what they never open. */
  load: () => Promise<ComponentType<PageProps>>;
  /** Its place in the rail. Without one it is opened from elsewhere. */
  nav?: { group: NavGroup; order: number; sign: SignName; useCount?: () => number };
  /** Of a page without a place of its own in the rail (`/cases/:id`): whose place is lit. */
  under?: string;
  /** Which button of the phone's bar leads here. */
  phone?: 'watch' | 'find' | 'cases' | 'alerts';
  /** Watching: always dark. */
  dark?: boolean;
  /** It fills the frame and scrolls by itself; its title stands in the top bar as the heading. */
  full?: boolean;
  /** It begins anew whenever a link changes the query. */
  remount?: boolean;
  /** How fit it is to be opened first by somebody: the highest number wins; 0 or absent: never. */
  home?: (me: Me) => number;
}
