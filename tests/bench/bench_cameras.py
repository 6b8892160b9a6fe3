"""The judge of a recorder: every habit of real cameras, recorded by `native`, by `av` and by the ffmpeg program side by
side.

``python -m tests.bench.bench_cameras`` (``make bench-cameras``): prints for each habit and each of the three: frames
sent, recorded, decoded equal to the source, the worst offset of a recorded time, the seconds that coverage claims
against those that can be shown, and the causes of the gaps. Exit code 1 if coverage claims a second that is not there;
with ``--strict`` if anything is not as it should be. ``--write FILE`` puts the table between the markers of a page.
"""

from __future__ import annotations

import argparse
import itertools
import re
import shutil
import sys
from pathlib import Path

from tests.bench.load.trial import folder
from tests.bench.machine import describe
from tests.support.cameras.judge import Verdict
from tests.support.cameras.odd import HABITS, Habit
from tests.support.cameras.recording import FFMPEG, record

BEGIN, END = "<!-- begin of the table: make bench-cameras writes it -->", "<!-- end of the table -->"
TITLES = {
    "packets": "RTP packets",
    "channels": "Senders and reports",
    "losses": "Losses",
    "units": "NAL units and how they are packed",
    "h265": "The same in H.265, and more of units",
    "forms": "Siblings of both",
    "cousins": "More siblings, in both codecs",
    "interleaved": "Numbered and interleaved units",
    "descriptions": "Session descriptions",
    "describing": "More session descriptions",
    "messages": "RTSP messages and logins",
    "answers": "More answers and logins",
    "replies": "Siblings of answers",
    "times": "Time stamps and still scenes",
    "stamps": "More time stamps",
    "pictures": "Coded video",
    "sessions": "Sessions and transports",
    "transports": "UDP, groups and connections that are cut",
    "sound": "Sound",
    "tracks": "More sound",
    "formats": "Siblings of sound",
}


def sources(habit: Habit) -> tuple[str, ...]:
    """Who records a habit: what `auto` chooses in place of the two where a habit is about that choice."""
    return ("auto", FFMPEG) if "auto" in habit.camera.sources else ("native", "av", FFMPEG)


def cell(verdict: Verdict | None) -> str:
    """A verdict in a table."""
    if verdict is None:
        return ""
    if not verdict.sent:
        return "not played"
    text = "all" if verdict.recorded == verdict.sent == verdict.equal else f"{verdict.recorded} of {verdict.sent}"
    if verdict.equal < verdict.recorded:
        text += f", {verdict.equal} decode rightly"
    if verdict.source == FFMPEG:
        return text
    text += f"; {verdict.worst_s:+.2f} s"
    if verdict.over_us:
        text += f"; **claims {verdict.over_us / 1e6:.1f} s too much**"
    gaps = ", ".join(f"{cause} {us / 1e6:.1f} s" for cause, us in sorted(verdict.causes.items()) if us >= 200_000)
    return text + (f"; {gaps}" if gaps else "")


def table(verdicts: list[Verdict], before: str = "") -> str:
    """The table of the reference, a section for each kind. Of habits that were not recorded now stands what stood
    ``before``."""
    found = {(verdict.name, verdict.source): verdict for verdict in verdicts}
    old = dict(re.findall(r"^(?=\| `([a-z0-9-]+)` \|)(.*)$", before, re.MULTILINE))
    lines: list[str] = []
    for kind, habits in itertools.groupby(HABITS.values(), key=lambda habit: habit.kind):
        rows = [row for habit in habits if (row := _row(habit, found) or old.get(habit.name))]
        if rows:
            lines += [
                f"\n### {TITLES[kind]}\n",
                "| habit | what the camera does, and where it was seen | what is right |",
            ]
            lines[-1] += " native | av | ffmpeg |"
            lines += ["| --- | --- | --- | --- | --- | --- |", *rows]
    return "\n".join(lines) + "\n"


def _row(habit: Habit, found: dict[tuple[str, str], Verdict]) -> str:
    if not any((habit.name, source) in found for source in sources(habit)):
        return ""
    first = found.get((habit.name, "native")) or found.get((habit.name, "auto"))
    cells = [cell(first), cell(found.get((habit.name, "av"))), cell(found.get((habit.name, FFMPEG)))]
    title = f"{habit.title}. *{habit.seen}*".replace("|", "\\|")
    return f"| `{habit.name}` | {title} | {habit.right} | " + " | ".join(cells) + " |"


def write(page: Path, verdicts: list[Verdict]) -> None:
    """Puts the table between the markers of a page."""
    before, _, rest = page.read_text().partition(BEGIN)
    old, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{table(verdicts, old)}{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40, help="how long each habit is recorded, at most 80")
    parser.add_argument("--at-once", type=int, default=45, help="habits that are recorded at the same time")
    parser.add_argument("--habits", default="", help="names, separated by commas; default: all")
    parser.add_argument("--strict", action="store_true", help="fail for anything that is not right")
    parser.add_argument(
        "--write",
        type=Path,
        default=None,
        help="a page to put the table into; rows of habits that are not recorded now stay",
    )
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to record to")
    args = parser.parse_args()
    print(describe())
    with_program = shutil.which("ffmpeg") is not None
    if not with_program:
        print("!! NOT COMPARED with the ffmpeg program: apt-get install ffmpeg")
    names = [name for name in args.habits.split(",") if name] or list(HABITS)
    verdicts: list[Verdict] = []
    together = [name for name in names if not HABITS[name].camera.alone]
    batches = [together[at : at + args.at_once] for at in range(0, len(together), args.at_once)]
    batches += [[name] for name in names if HABITS[name].camera.alone]
    for chosen in batches:
        batch = [HABITS[name] for name in chosen]
        pairs = [(source, habit) for habit in batch for source in sources(habit)]
        habits = {f"{s}-{h.name}": (s, h) for s, h in pairs if s != FFMPEG or with_program}
        with folder(args.dir) as made:
            done = record(made, habits, args.seconds)
        for verdict in done:
            # What FFmpeg can't read is no fault of the source that is FFmpeg.
            if verdict.source not in (*HABITS[verdict.name].camera.sources, FFMPEG):
                verdict.faults = ["beyond FFmpeg"] if verdict.faults else []
            print(verdict.row(), flush=True)
        verdicts += done
    if args.write is not None:
        write(args.write, verdicts)
    claimed = [verdict for verdict in verdicts if verdict.over_us >= 1_000_000]
    wrong = [verdict for verdict in verdicts if verdict.faults and verdict.faults != ["beyond FFmpeg"]]
    ours = [verdict for verdict in verdicts if verdict.source != FFMPEG]
    print(
        f"\n{len({verdict.name for verdict in verdicts})} habits:"
        f" {len(ours) - len(wrong)} of {len(ours)} recordings are right; of the frames sent "
        f"{share(ours, 'native', 'auto')} were recorded by native, {share(ours, 'av')} by av,"
        f" {share(verdicts, FFMPEG)} by the ffmpeg program"
    )
    for verdict in claimed:
        print(f"NOT MET: {verdict.source} {verdict.name}: {verdict.over_us / 1e6:.1f} s claimed that are not there")
    if not claimed:
        print("met: coverage claims no second that is not there")
    sys.exit(bool(claimed) or (args.strict and bool(wrong)))


def share(verdicts: list[Verdict], *chosen: str) -> str:
    """Of the frames that were sent to these sources, how many were recorded and decode rightly."""
    of = [verdict for verdict in verdicts if verdict.source in chosen]
    sent = sum(verdict.sent for verdict in of)
    return f"{sum(verdict.equal for verdict in of) / sent:.2%}" if sent else "none"


if __name__ == "__main__":
    main()
