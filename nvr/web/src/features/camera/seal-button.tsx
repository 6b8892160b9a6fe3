// From a chosen range to what is made of it: a request in a case, a clip, a sealed export.

import { useState } from 'preact/hooks';
import { useWords } from '../../shared/i18n';
import { SaveSheet } from '../cases/save-sheet';
import { session } from '../../session';
import { useStore } from '../../shared/store';
import { useFleet } from '../../shared/fleet';
import type { Bounds } from '../../timeline/geometry';

export function SealButton({ camera, clip, disabled }: { camera: string; clip: Bounds; disabled: boolean }) {
  const { t } = useWords();
  const who = useStore(session);
  const { byId } = useFleet();
  const [isOpen, setOpen] = useState(false);
  if (who.state !== 'in') return null;
  return (
    <>
      <button type="button" data-testid="clip-seal" disabled={disabled} onClick={() => setOpen(true)}>
        {t.saving.title}
      </button>
      {isOpen ? (
        <SaveSheet
          me={who.me}
          cameras={[{ id: camera, name: byId.get(camera)?.name || camera }]}
          range={clip}
          onClose={() => setOpen(false)}
        />
      ) : null}
    </>
  );
}
