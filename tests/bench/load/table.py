"""The server beside other recorders, all at once and each with its own generator: what the machine does besides, it
does to all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.load.fleet import Fleet
from tests.bench.load.material import Profile
from tests.bench.load.odd import Odd
from tests.bench.load.peers import Peer
from tests.bench.load.trial import Trial, folder, trial
from tests.bench.load.verify import Verdict
from tests.bench.measure import Usage, family, ratio, usage

__all__ = ["HEAD", "OURS", "RECORDERS", "Share", "beside", "medians"]

OURS = "nvr"
RECORDERS = "nvr, recorders alone"
HEAD = (
    "| recorder | CPU a camera | nvr ÷ it | memory | written, of what was sent | reads and writes a second"
    " | from command to asked |\n" + "| --- " * 7 + "|"
)


@dataclass(frozen=True, slots=True)
class Share:
    """What one recorder took. ``cpu_percent``: of a core, a camera. ``written``: bytes that went to the disk, of those
    that were sent. ``asked_s``: from its command to its last camera's first frame."""

    name: str
    cpu_percent: float
    pss_bytes: int
    written: float
    calls_per_s: float
    asked_s: float

    def row(self, ours: float) -> str:
        """As a line of the table; ``ours``: the server's CPU a camera."""
        return (
            f"| {self.name} | {self.cpu_percent:.4f} % | {ratio(ours, self.cpu_percent):.2f}"
            f" | {self.pss_bytes / 1e6:.0f} MB | {self.written:.2f} | {self.calls_per_s:.0f} | {self.asked_s:.1f} s |"
        )


@dataclass(slots=True)
class _Running:
    """A recorder at work: its generator, and when its command was given."""

    fleet: Fleet
    folder: Path
    began_s: float
    asked_s: float = 0.0

    def until_asked(self, count: int, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        while self.fleet.tell("stats")["playing"] < count:
            assert time.monotonic() < deadline, f"not all {count} cameras are read after {patience_s:.0f} s"
            time.sleep(0.1)
        # One that plays has sent nothing for a moment.
        while len(sent := self.fleet.log(self.folder / "sent.jsonl")) < count:
            assert time.monotonic() < deadline, f"not all {count} cameras are sent anything after {patience_s:.0f} s"
            time.sleep(0.1)
        self.asked_s = max(one.began for one in sent) - self.began_s


@contextmanager
def _peer(where: Path | None, peer: Peer, count: int, profile: Profile) -> Iterator[_Running]:
    with folder(where) as made, Fleet(profile) as fleet:
        began_s = time.time()
        with peer.recording(made, [fleet.url(number) for number in range(count)]):
            yield _Running(fleet, made, began_s)


def beside(
    where: Path | None,
    peers: dict[str, Peer],
    count: int,
    profile: Profile,
    *,
    warm_s: float,
    seconds: float,
    odd: int,
    ours_first: bool,
) -> tuple[list[Share], Verdict]:
    """One round, with ``odd`` cameras beside those of the server, which count as its own; and what became of its
    frames."""
    runs: dict[str, _Running] = {}
    with ExitStack() as stack:
        tables = stack.enter_context(Odd(odd)).tables if odd else []
        mine: Trial | None = None
        for name in [OURS, *peers] if ours_first else [*peers, OURS]:
            if name == OURS:
                mine = stack.enter_context(trial(where, count, profile, beside=tables))
                runs[name] = _Running(mine.fleet, mine.folder, mine.began_s)
            else:
                runs[name] = stack.enter_context(_peer(where, peers[name], count, profile))
            runs[name].until_asked(count, 60 + count / 10)
        assert mine is not None and mine.server.process is not None
        time.sleep(warm_s)

        def look(*, memory: bool) -> dict[str, Usage]:
            assert mine is not None and mine.server.process is not None
            found = {name: usage(peer.pids(), memory=memory) for name, peer in peers.items()}
            found[OURS] = usage(family(mine.server.process.pid), memory=memory)
            found[RECORDERS] = usage(mine.recorders(), memory=memory)
            return found

        before, began = look(memory=False), time.monotonic()
        time.sleep(seconds)
        passed, after = time.monotonic() - began, look(memory=True)
        mine.stop()
        verdict = mine.verdict()
    sent_bytes = profile.bit_rate_bps / 8 * count * passed
    shares = []
    for name, now in after.items():
        then = before[name]
        shares.append(
            Share(
                name,
                (now.cpu_s - then.cpu_s) / passed * 100 / count,
                now.pss_bytes,
                (now.written_bytes - then.written_bytes) / sent_bytes,
                (now.calls - then.calls) / passed,
                runs[OURS if name == RECORDERS else name].asked_s,
            )
        )
    return shares, verdict


def medians(rounds: Sequence[Sequence[Share]]) -> list[Share]:
    """Of each recorder, over all rounds."""
    found = []
    for name in [share.name for share in rounds[0]]:
        mine = [share for shares in rounds for share in shares if share.name == name]
        found.append(
            Share(
                name,
                statistics.median(each.cpu_percent for each in mine),
                round(statistics.median(each.pss_bytes for each in mine)),
                statistics.median(each.written for each in mine),
                statistics.median(each.calls_per_s for each in mine),
                statistics.median(each.asked_s for each in mine),
            )
        )
    return found
