"""What a camera's recorder tells the catalogue: when footage begins and ends, and what is so meanwhile.

Called by the pipeline, under its lock. Invariant: from the end of one run's footage to the start of the next one's
there is exactly one cause in force, inserted in order; where frames go on, not before it is known that there is
anything between the two: not known yet is no gap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nvr.recorder.media.packets import Ended
from nvr.recorder.run.run import Identity
from storage.catalogue import clock_samples, facts, segments
from storage.catalogue.clock_samples import Sample
from storage.catalogue.segments import Key
from storage.causes import Layer
from storage.format.boxes import Hole
from storage.writing.catalogue_writer import CatalogueWriter

__all__ = ["Journal"]


class Journal:
    """One connection's. ``silent``: another worker records the camera, so what becomes of this connection is no cause
    of anything. ``began_us``: since when the recorder has the camera, of its first connection; None once it is known
    how that went."""

    def __init__(self, identity: Identity, catalogue: CatalogueWriter) -> None:
        self._camera, self._node, self._epoch = identity.camera, identity.node, identity.epoch
        self._catalogue = catalogue
        self.began_us: int | None = None
        self._footage_us: int | None = None
        self.silent = False
        # Why the last run ended although frames go on: no gap, as long as it is not known that there is one.
        self._between: tuple[int, Ended] | None = None

    def _between_runs(self) -> Callable[[Any], None]:
        """What is to be entered of the time since the last run, now that it is known how that went on."""
        found, self._between = self._between, None
        if found is None:
            return lambda conn: None
        camera, node, epoch = self._camera, self._node, self._epoch
        at_us, cause, detail = found[0], found[1].cause, dict(found[1].detail)
        return lambda conn: facts.set_cause(conn, camera, at_us, cause, detail, node=node, epoch=epoch)

    def footage(self, start_us: int) -> bool:
        """A run's footage begins; True if that is news."""
        if self._footage_us == start_us:
            return False
        self._footage_us, self.began_us = start_us, None
        camera, before = self._camera, self._between_runs()

        def operation(conn: Any) -> None:
            before(conn)
            facts.resume(conn, camera, start_us)

        self._catalogue.put(operation)
        return True

    def run_ended(
        self,
        key: Key,
        until_us: int,
        ended: Sequence[tuple[int, Ended]],
        detail: Mapping[str, Any],
        last: tuple[Key, tuple[Hole, ...]] | None,
        *,
        goes_on: bool = False,
    ) -> None:
        """A run's footage ends at ``until_us``. ``ended``: why, as what was so from which time on; ``detail``: what is
        kept with the run; ``last``: its last segment, and the holes of that. ``goes_on``: frames come all the same, and
        the next run begins with one of them; what lies between is not known before it does."""
        camera, node, epoch, silent = self._camera, self._node, self._epoch, self.silent or goes_on
        before = self._between_runs()
        if goes_on and not self.silent:
            self._between = ended[-1]
        causes = [(at_us, why.cause, dict(why.detail)) for at_us, why in ended]

        def operation(conn: Any) -> None:
            before(conn)
            segments.end_run(conn, key, end_us=until_us, cause=causes[-1][1], detail=detail)
            if last is not None:
                # Its bytes may still wait for the disk; the story must have no hole meanwhile.
                segments.grown(conn, last[0], until_us, last[1])
            if not silent:
                for at_us, cause, why in causes:
                    facts.set_cause(conn, camera, at_us, cause, why, node=node, epoch=epoch)

        self._catalogue.put(operation)

    def without_footage(self, at_us: int, why: Ended) -> None:
        """From ``at_us`` on there is no footage because of this; no run is under way."""
        if self.silent:
            return
        camera, node, epoch, began_us, self.began_us = self._camera, self._node, self._epoch, self.began_us, None
        cause, detail, before = why.cause, dict(why.detail), self._between_runs()

        def operation(conn: Any) -> None:
            before(conn)
            if began_us is not None and facts.take_over(conn, camera, began_us, cause, detail, node=node, epoch=epoch):
                return
            facts.set_cause(conn, camera, at_us, cause, detail, node=node, epoch=epoch)

        self._catalogue.put(operation)

    def taken(self, why: Ended) -> None:
        """The recorder has the camera, and it is not yet known how that goes."""
        if self.silent or self.began_us is None:
            return
        camera, node, epoch, began_us, cause, detail = (
            self._camera, self._node, self._epoch, self.began_us, why.cause, dict(why.detail),
        )  # fmt: skip

        def operation(conn: Any) -> None:
            facts.take_over(conn, camera, began_us, cause, detail, node=node, epoch=epoch)

        self._catalogue.put(operation)

    def hole(self, start_us: int, end_us: int, why: Ended) -> None:
        """Within a run there is no footage in ``[start_us, end_us)``."""
        camera, node, epoch, cause, detail = self._camera, self._node, self._epoch, why.cause, dict(why.detail)
        self._catalogue.put(
            lambda conn: facts.insert(
                conn, camera, cause, start_us, end_us, detail, node=node, epoch=epoch, layer=Layer.RECORDER
            )
        )

    def clock_sample(self, sample: Sample) -> None:
        """The camera's own clock was read."""
        camera, node = self._camera, self._node
        self._catalogue.put(lambda conn: clock_samples.record(conn, camera, sample, node=node))
