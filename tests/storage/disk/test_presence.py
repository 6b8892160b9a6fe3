"""Whether a root's own disk is there, asked before each segment."""

from __future__ import annotations

from storage.disk.roots import IDENTITY_FILE, Presence
from tests.storage.world import World


def test_what_is_there_is_the_root_itself(world: World) -> None:
    file, presence = world.root.path / IDENTITY_FILE, Presence(world.root)
    mine = file.read_text()
    assert presence.is_mounted() and presence.is_mounted()
    file.unlink()
    assert not presence.is_mounted()
    file.write_text(mine.replace(world.root.id, "0" * len(world.root.id)))
    assert not presence.is_mounted()
    file.unlink()
    file.write_text(mine)
    assert presence.is_mounted()


def test_another_disk_in_its_place_is_noticed(world: World) -> None:
    file, presence = world.root.path / IDENTITY_FILE, Presence(world.root)
    assert presence.is_mounted()
    other = file.with_name("other")
    other.write_text(file.read_text().replace(world.root.id, "0" * len(world.root.id)))
    other.rename(file)
    assert not presence.is_mounted()
