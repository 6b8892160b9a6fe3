// From a chosen range to a sealed export of it.

import { useState } from 'preact/hooks';
import { useWords } from '../../shared/i18n';
import { ExportForm } from '../cases/export-form';
import { href } from '../../router';
import type { Bounds } from '../../timeline/geometry';

export function SealButton({
  camera,
  clip,
  zone,
  disabled,
}: {
  camera: string;
  clip: Bounds;
  zone: string;
  disabled: boolean;
}) {
  const { t } = useWords();
  const [state, setState] = useState<'closed' | 'open' | 'asked'>('closed');
  return (
    <>
      <button type="button" data-testid="clip-seal" disabled={disabled} onClick={() => setState('open')}>
        {t.exports.seal}
      </button>
      {state === 'asked' ? (
        <p class="good" role="status" data-testid="export-asked">
          {t.exports.asked} <a href={href('exports')}>{t.exports.title}</a>
        </p>
      ) : null}
      {state === 'open' ? (
        <ExportForm
          zone={zone}
          camera={camera}
          range={clip}
          onDone={() => setState('asked')}
          onClose={() => setState('closed')}
        />
      ) : null}
    </>
  );
}
