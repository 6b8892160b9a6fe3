"""A recorder is quick for whom somebody watches, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from nvr.playback.groups import fragments
from storage.catalogue import status
from storage.catalogue.database import Database
from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.running import running
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.segments import read
from tests.support.server import Server, now_us, serving

SPEC = ClipSpec(frames=50, frame_rate=25, group=25)


def newest_s(server: Server, camera: str) -> list[float]:
    """How long the newest fragments of the file that grows are, seconds."""
    growing = server.growing(camera)
    if not growing:
        return []
    found = fragments(read(growing[-1].path).index)
    return [float(one) / growing[-1].timescale for one in found.durations[-4:]]


@contextmanager
def saying(server: Server) -> Iterator[Database]:
    """A catalogue to say who watches in, as the API does."""
    with closing(Database(server.catalogue)) as database:
        yield database


def say(database: Database, *cameras: str, for_us: int = 60_000_000) -> None:
    """These are watched."""
    with database.write() as conn:
        status.put_watched(conn, cameras, until_us=now_us() + for_us, now_us=now_us())


def test_fragments_are_short_while_somebody_watches(tmp_path: Path) -> None:
    with ExitStack() as stack:
        cameras = [ScriptedCamera(clip(SPEC), at_end="repeat") for _ in range(2)]
        tables = [{"id": f"c{n}", "url": stack.enter_context(running(each))} for n, each in enumerate(cameras)]
        server = stack.enter_context(serving(tmp_path, *tables, workers=1, segment_duration="5m"))
        database = stack.enter_context(saying(server))
        server.until(lambda: all(len(newest_s(server, f"c{n}")) == 4 for n in range(2)))
        assert min(newest_s(server, "c0")) > 0.3
        say(database, "c0")
        server.until(lambda: max(newest_s(server, "c0")) < 0.25, what="short fragments")
        assert max(newest_s(server, "c1")) > 0.3
        # What is not said again is over.
        say(database, "c0", for_us=1_000_000)
        server.until(lambda: min(newest_s(server, "c0")) > 0.3, what="fragments as usual")
        say(database, "c0", "c1")
        server.until(lambda: all(max(newest_s(server, f"c{n}")) < 0.25 for n in range(2)), what="both")
        # Being quick is no new connection.
        assert [len({entry.client for entry in each.journal.entries()}) for each in cameras] == [1, 1]
