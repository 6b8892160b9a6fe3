"""What an export will hold: which fragments of which segments go into which file, and what of the range was not
recorded.

Reads the catalogue and the segments' indexes; copies nothing. A file is a stretch of one camera's footage that one
recorder recorded without a break and with constant parameters (a chain, as playback calls it); holes of its segments
are in it, as the recorded bytes have them, and among the gaps. It begins at the keyframe at or before the range and
ends with the fragment of the range's last frame: recorded fragments are never cut. Where several runs recorded one time
(the server's clock was set back, or a camera was moved to another recorder) each is there, in a file of its own.
Invariant: every frame of every run with ``start <= wall(p) < end`` that can be read is in exactly one file; what can't
be read is named in ``problems``.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nvr.evidence.package.camera_signature import SIGNATURE_WITHIN_US, until_signed
from nvr.evidence.package.parts import PackagePart, part_of
from nvr.evidence.seal.errors import ExportRefused
from nvr.evidence.seal.times import file_time
from nvr.playback.chains import chains
from nvr.playback.errors import PlaybackError
from nvr.playback.index_cache import IndexCache
from nvr.playback.mapping import TimeMap
from storage.catalogue import cameras, clock_samples, segments
from storage.catalogue.clock_samples import Sample
from storage.catalogue.database import Database
from storage.catalogue.segments import Init
from storage.coverage.one_camera import Coverage, Piece, coverage
from storage.coverage.runs import whole
from storage.format.sample_index import SegmentIndex
from storage.sentences import Sentence, sentence_of

__all__ = ["CameraPlan", "ExportProblem", "FilePlan", "plan_camera"]


@dataclass(frozen=True, slots=True)
class FilePlan:
    """One MP4 to be made. ``preroll_us`` of it lie before the range, since decoding has to begin there; ``postroll_us``
    after it. ``number`` tells it from others of its camera and time."""

    camera: str
    init: Init
    parts: tuple[PackagePart, ...]
    preroll_us: int
    postroll_us: int
    number: int = 1

    @property
    def start_us(self) -> int:
        """When its first frame begins."""
        return self.parts[0].start_us

    @property
    def end_us(self) -> int:
        """When its last frame ends."""
        return self.parts[-1].end_us

    @property
    def bytes(self) -> int:
        """Bytes of fragments."""
        return sum(part.end - part.begin for part in self.parts)

    @property
    def name(self) -> str:
        """Itself evidence: camera, start and end in UTC."""
        more = f"_{self.number}" if self.number > 1 else ""
        return f"{self.camera}_{file_time(self.start_us)}_{file_time(self.end_us)}{more}.mp4"


@dataclass(frozen=True, slots=True)
class ExportProblem:
    """Footage that the catalogue has and that could not be exported."""

    camera: str
    start_us: int
    end_us: int
    code: str
    detail: Sentence


@dataclass(frozen=True, slots=True)
class CameraPlan:
    """One camera's share of an export. ``url`` as it is set up: it is redacted before it is written. ``clock``: what is
    known of the camera's own clock in the range."""

    camera: str
    name: str
    url: str
    covered: Coverage
    files: tuple[FilePlan, ...]
    problems: tuple[ExportProblem, ...]
    clock: tuple[Sample, ...]


def plan_camera(
    database: Database, cache: IndexCache, camera: str, start_us: int, end_us: int, *, now_us: int
) -> CameraPlan:
    """Plans ``[start_us, end_us)`` of a camera.

    Raises:
        ExportRefused: there never was such a camera, or the range is empty.
    """
    with database.read() as conn:
        known = cameras.find(conn, camera)
        if known is None:
            raise ExportRefused(Sentence("there never was a camera {camera!r}", camera=camera))
        try:
            covered = coverage(conn, camera, start_us, end_us, now_us=now_us)
        except ValueError as error:
            raise ExportRefused(sentence_of(error)) from None
        found = segments.between(conn, camera, start_us, end_us + SIGNATURE_WITHIN_US)
        clock = tuple(clock_samples.between(conn, camera, start_us, end_us))
        inits = {segment.init: segments.init(conn, segment.init) for segment in found}
    files: list[FilePlan] = []
    problems: list[ExportProblem] = []
    runs = whole(found, start_us, end_us + SIGNATURE_WITHIN_US)
    for chain in itertools.chain.from_iterable(chains(pieces) for pieces in runs):
        run: list[PackagePart] = []
        for number, piece in enumerate(chain):
            if piece.start_us >= end_us:
                break
            cut = Piece(piece.segment, piece.start_us, min(piece.end_us, end_us))
            try:
                part = _part(cache, cut, chain[number:] if piece.end_us >= end_us else ())
            except PlaybackError as error:
                problems.append(ExportProblem(camera, cut.start_us, cut.end_us, error.code, sentence_of(error)))
                _finish(run, inits, camera, start_us, end_us, files)
                continue
            if part is None:
                continue
            run.append(part[0])
            run += part[1]
        _finish(run, inits, camera, start_us, end_us, files)
    files.sort(key=lambda file: file.start_us)
    files = _told_apart(files)
    url = str(known.settings.get("url") or "")
    return CameraPlan(camera, known.name, url, covered, tuple(files), tuple(problems), clock)


def _told_apart(files: Sequence[FilePlan]) -> list[FilePlan]:
    """Files of one time get numbers."""
    seen: Counter[str] = Counter()
    found = []
    for file in files:
        seen[file.name] += 1
        found.append(replace(file, number=seen[file.name]))
    return found


def _finish(
    run: list[PackagePart],
    inits: dict[str, Init | None],
    camera: str,
    start_us: int,
    end_us: int,
    files: list[FilePlan],
) -> None:
    if not run:
        return
    init = inits[run[0].piece.segment.init]
    if init is None:
        raise ExportRefused(
            Sentence("the catalogue lacks the parameters of the footage of {camera}: run nvr check", camera=camera)
        )
    first, last = run[0], run[-1]
    # Against what this file shows, which may begin later than the range does.
    shown_from, shown_until = max(first.piece.start_us, start_us), min(last.piece.end_us, end_us)
    files.append(
        FilePlan(
            camera,
            init,
            tuple(run),
            max(shown_from - first.start_us, 0),
            max(last.end_us - max(shown_until, start_us), 0),
        )
    )
    run.clear()


def _part(cache: IndexCache, piece: Piece, following: Sequence[Piece]) -> tuple[PackagePart, list[PackagePart]] | None:
    """The fragments for a piece; with ``following``, the pieces of the chain from this one on, also those up to the
    camera's own signature of what the piece holds, if the camera signs."""
    index = cache.get(piece.segment).index
    video, clock = index.video, TimeMap.of(piece.segment)
    pts = video.decode_times + video.offsets
    shown = np.flatnonzero((pts >= clock.ticks_at(piece.start_us)) & (pts < clock.ticks_at(piece.end_us)))
    if not len(shown):
        return None
    begin, end = int(shown[0]), int(shown[-1])
    keys = np.flatnonzero(video.sync[: begin + 1] & (pts[: begin + 1] <= pts[shown].min()))
    first, last = _fragment(index, int(keys[-1]) if len(keys) else 0), _fragment(index, end) + 1
    more: list[PackagePart] = []
    if following:
        last, more = until_signed(cache, following, index, last)
    return part_of(piece, index, first, last), more


def _fragment(index: SegmentIndex, sample: int) -> int:
    rows = index.video.fragments
    return int(rows[np.searchsorted(rows[:, 1], sample, "right") - 1, 0])
