// A page, loaded when it is opened first.

import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PageDef, PageProps } from '../page-def';
import type { Route } from '../router';
import type { Me } from '../shared/api/schema';
import { useWords } from '../shared/i18n';

const loaded = new Map<string, ComponentType<PageProps>>();

export function OpenPage({ page, me, where }: { page: PageDef; me: Me; where: Route }) {
  const { t } = useWords();
  const [, setLoaded] = useState(0);
  const [failed, setFailed] = useState(false);
  const Component = loaded.get(page.name);
  useEffect(() => {
    if (loaded.has(page.name)) {
      // It came between the drawing and now, for one that was here before.
      if (!Component) setLoaded((n) => n + 1);
      return;
    }
    let gone = false;
    page.load().then(
      (component) => {
        loaded.set(page.name, component);
        if (!gone) setLoaded((n) => n + 1);
      },
      () => gone || setFailed(true),
    );
    return () => {
      gone = true;
    };
  }, [page]);
  if (Component) return <Component me={me} id={where.id} params={where.params} />;
  if (!failed) return <p class="muted">{t.loading}</p>;
  return (
    <p class="panel" role="alert" data-testid="page-failed">
      {t.frame.pageFailed}{' '}
      <button type="button" onClick={() => location.reload()}>
        {t.frame.reload}
      </button>
    </p>
  );
}
