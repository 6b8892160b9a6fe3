// Walls that are kept: one's own, and those that others share.

import { useEffect, useRef, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { ROLE_VALUES, type Me, type Wall } from '../../shared/api/schema';
import { setQuery } from '../../router';
import { fill, named, useWords } from '../../shared/i18n';
import { errorWords } from '../../shared/i18n/words';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { FormActions, TextField } from '../../shared/ui/form';
import { useList } from '../../shared/ui/list';
import { Sign } from '../../shared/ui/signs';
import { toast } from '../../shared/ui/toast';

interface SavedWallsProps {
  me: Me;
  /** The id of the one that is open, if it is one as it was kept. */
  wall: string | null;
  ids: readonly string[];
  size: number;
}

export function SavedWalls({ me, wall, ids, size }: SavedWallsProps) {
  const { t, lang } = useWords();
  const w = t.wall;
  const menu = useRef<HTMLDetailsElement>(null);
  const [saving, setSaving] = useState(false);
  const list = useList(async () => (await api.walls()).walls);
  const open = list.items?.find(({ id }) => id === wall) ?? null;
  useEffect(() => {
    // An address may name a wall alone: whoever was given it sees what they may of it.
    if (open && ids.join(',') !== open.cameras.join(',')) show(open);
  }, [open?.id]);
  const show = (one: Wall): void => {
    if (menu.current) menu.current.open = false;
    setQuery({ wall: one.id, cameras: one.cameras.join(','), n: String(one.places), one: null, turn: null });
  };
  const refused = (error: unknown): void => toast({ text: errorWords(error, t, lang) });
  const remove = (one: Wall): void =>
    void api.deleteWall(one.id).then(
      () => {
        list.reload();
        toast({
          text: fill(w.deleted, { name: one.name }),
          run: () =>
            void api
              .saveWall({ name: one.name, cameras: one.cameras, places: one.places, shared: one.shared })
              .then(list.reload, refused),
        });
      },
      (error: unknown) => {
        list.reload();
        refused(error);
      },
    );
  return (
    <>
      <details class="account walls" ref={menu}>
        <summary class="btn quiet" data-testid="walls">
          <span class="ell" translate={false}>
            {open?.name ?? w.saved}
          </span>
          <Sign name="down" />
        </summary>
        <div class="menu" data-testid="walls-menu">
          {list.items?.length === 0 ? <p class="mut">{w.none}</p> : null}
          {list.items?.map((one) => (
            <div class="row" key={one.id}>
              <button
                type="button"
                class="btn quiet grow"
                data-testid="open-wall"
                aria-pressed={one.id === wall}
                onClick={() => show(one)}
              >
                <span class="ell" translate={false}>
                  {one.name}
                </span>
                <span class="faint">{one.shared ? (one.mine ? w.shared : one.owner) : ''}</span>
              </button>
              {one.mine ? (
                <button
                  type="button"
                  class="ib"
                  data-testid="delete-wall"
                  aria-label={`${t.remove}: ${one.name}`}
                  title={t.remove}
                  onClick={() => remove(one)}
                >
                  <Sign name="cross" />
                </button>
              ) : null}
            </div>
          ))}
          <button
            type="button"
            class="btn"
            data-testid="save-wall"
            disabled={ids.length === 0}
            onClick={() => setSaving(true)}
          >
            {w.save}
          </button>
        </div>
      </details>
      {saving ? (
        <SaveWall
          me={me}
          open={open?.mine ? open : null}
          ids={ids}
          size={size}
          onClose={() => setSaving(false)}
          onDone={(made) => {
            setSaving(false);
            list.reload();
            setQuery({ wall: made.id, cameras: made.cameras.join(','), n: String(made.places) });
            toast({ text: fill(w.kept, { name: made.name }) });
          }}
        />
      ) : null}
    </>
  );
}

function SaveWall({
  open,
  ids,
  size,
  onClose,
  onDone,
}: Omit<SavedWallsProps, 'wall'> & { open: Wall | null; onClose: () => void; onDone: (made: Wall) => void }) {
  const { t } = useWords();
  const w = t.wall;
  const [name, setName] = useState(open?.name ?? '');
  const [shared, setShared] = useState(open?.shared ?? '');
  const [missing, setMissing] = useState(false);
  const action = useAction();
  const save = async (): Promise<void> => {
    setMissing(name.trim() === '');
    if (name.trim() === '') return;
    await action.run(async () => {
      const wall = open && open.name === name.trim() ? { wall: open.id } : {};
      onDone(await api.saveWall({ name: name.trim(), cameras: [...ids], places: size, shared, ...wall }));
    });
  };
  return (
    <Dialog title={w.save} testid="save-wall-form" onClose={onClose}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <TextField
          label={t.admin.name}
          data-testid="wall-name"
          maxLength={100}
          error={missing ? t.admin.required : null}
          value={name}
          onValue={setName}
        />
        <Field label={w.shareWith} hint={w.shareHint}>
          {(f) => (
            <select {...f} data-testid="wall-shared" value={shared} onChange={(event) => setShared(valueOf(event))}>
              <option value="">{w.nobody}</option>
              <option value="everyone">{w.everyone}</option>
              {ROLE_VALUES.map((role) => (
                <option key={role} value={role}>
                  {named(t.roles, role)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <p class="mut">{fill(t.frame.camerasOf, { n: ids.length })}</p>
        <FormActions action={action} testid="wall-save" onClose={onClose}>
          {t.save}
        </FormActions>
      </form>
    </Dialog>
  );
}
