"""What a connection leaves when it has ended: nothing that only the garbage collector could find, since that is asked
every few minutes only."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvloop

from nvr.recorder.camera import CameraRecorder
from nvr.recorder.loop.limiter import Outages, Turns
from nvr.recorder.media.packets import Ended
from nvr.recorder.run.cutting import Cutter
from nvr.recorder.run.disks import Disks
from nvr.recorder.run.pipeline import Pipeline
from nvr.recorder.run.run import Identity
from storage.catalogue import cameras, node
from storage.catalogue.database import Database
from storage.causes import Cause
from storage.disk.roots import register
from storage.writing.catalogue_writer import CatalogueWriter
from storage.writing.disk_writer import DiskWriter
from storage.writing.open_segment import SegmentHandle
from tests.recorder.sources.harness import camera
from tests.support.cameras.clips import Clip
from tests.support.cameras.faults import Faults
from tests.support.cameras.running import running
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.waiting import until_async

# Of each way to end: what it takes for a few connections.
WAYS = {
    "hangs up": Faults(close_after=30),
    "hangs up before media": Faults(close_after_play=True),
    "refuses": Faults(status={"DESCRIBE": 404}),
    "falls silent": Faults(stall_after=30),
    "says nothing": Faults(mute=True),
    "says something else": Faults(garbage=b"x" * 5000),
    "goes on": Faults(),
}


@dataclass
class Storage:
    """A catalogue and a disk, running."""

    catalogue: CatalogueWriter
    disk: DiskWriter
    node: str


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    database = Database(tmp_path / "catalogue.db")
    database.migrate()
    with database.write() as conn:
        here = node.this_node(conn, "n1")
        root = register(conn, [tmp_path / "footage"])[0]
        cameras.add(conn, camera="cam", name="A", source="file", settings={}, labels={}, node=here, epoch=1, at_us=1)
    catalogue = CatalogueWriter(database)
    disk = DiskWriter(root, catalogue, sync_interval_s=0.2)
    catalogue.start()
    disk.start()
    yield Storage(catalogue, disk, here)
    assert disk.stop(10) and catalogue.close(10)
    database.close()


@pytest.mark.parametrize("way", WAYS)
def test_what_ended_leaves_nothing_to_the_garbage_collector(way: str, storage: Storage, h264_clip: Clip) -> None:
    made: list[int] = []

    async def record(url: str) -> None:
        def pipeline(settings: object, handles: deque[SegmentHandle]) -> Pipeline:
            made.append(1)
            return Pipeline(
                Identity("cam", storage.node, 1),
                # Segments are rotated meanwhile.
                Cutter("cam", 500_000, 10**9),
                Disks([storage.disk]),
                storage.catalogue,
                audio=None,
                handles=handles,
            )

        recorder = CameraRecorder(camera(url), pipeline, Turns(), Outages())
        recorder.start()
        for _ in range(16):
            await asyncio.sleep(0.25)  # sleep: segments are rotated meanwhile
            recorder.wake()
            recorder.grown()
            recorder.status()
        recorder.stop(Ended(Cause.NOT_CONFIGURED))
        await recorder.stopped()
        recorder.status()
        await until_async(lambda kept=recorder._handles: all(one.done for one in kept), "the end of the last file")
        del recorder
        # The transports' own ends.
        await asyncio.sleep(1.2)  # sleep: what they leave to the loop has no name
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        gc.set_debug(0)

    with running(ScriptedCamera(h264_clip, faults=WAYS[way], speed=4, at_end="repeat")) as url:
        gc.collect()
        gc.disable()
        try:
            uvloop.run(record(url))
            ours = [type(thing) for thing in gc.garbage if type(thing).__module__.startswith(("nvr.", "storage."))]
            left = Counter(kind.__name__ for kind in ours if not kind.__module__.startswith("nvr.demo"))
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert len(made) >= (1 if way == "goes on" else 2)
    assert not left
