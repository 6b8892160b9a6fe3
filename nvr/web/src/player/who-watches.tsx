// The name of who is watching, and when, over the picture: it deters from filming a screen. Footage stays untouched.

import '../styles/who-watches.css';
import { useEffect, useState } from 'preact/hooks';
import * as api from '../shared/api/client';
import { useWords } from '../shared/i18n';
import * as format from '../shared/time/format';
import { serverNow } from '../session';

const AGAIN_MS = 60_000;
const TICK_MS = 1_000;
/** So many that no part of a picture is without. */
const TIMES = 12;

export function WhoWatches({ camera, zone }: { camera: string; zone: string }) {
  const { lang } = useWords();
  const [name, setName] = useState<string | null>(null);
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    let gone = false;
    const ask = (): void =>
      void api.nameOverPicture(camera).then(
        (said) => gone || setName(said.name),
        () => undefined, // whoever may not watch sees no picture either
      );
    ask();
    const timer = setInterval(ask, AGAIN_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [camera]);
  useEffect(() => {
    if (name === null) return;
    const timer = setInterval(() => setNow(serverNow()), TICK_MS);
    return () => clearInterval(timer);
  }, [name]);
  if (name === null) return null;
  const text = `${name} · ${format.dateTime(now, lang, zone)}`;
  return (
    <div class="who-watches" aria-hidden="true" data-testid="who-watches">
      {Array.from({ length: TIMES }, (_, number) => (
        <span key={number}>{text}</span>
      ))}
    </div>
  );
}
