"""Reads a finished package back and compares its footage, byte by byte, with the recorded segments that it was copied
from.

What is checked is the package as a stranger gets it, from its manifest on: nothing that the copying knew is used.
Invariant: ``good`` means that the package verifies and that every byte of every header and fragment in it that may not
differ (``comparing``) was compared with a recorded file and is the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nvr.cases.exports import CheckOutcome
from nvr.evidence.making.comparing import Find, compare
from nvr.evidence.seal.signing import Certificate
from nvr.evidence.verify import FindingKind, verify
from nvr.evidence.verify.words import finding_sentence
from storage.sentences import Sentence

__all__ = ["ReadBack", "read_back"]

_MOST_DETAILS: Final = 5

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What was found: ``details`` say it for people, ``compared_bytes`` how many bytes of fragments were compared,
    ``gone`` how many segments are no longer here, or can't be read; ``is_ours``: what it holds is what a trusted
    certificate signed, so that whatever is wrong with it was wrong from the beginning."""

    outcome: CheckOutcome
    details: tuple[Sentence, ...]
    compared_bytes: int
    gone: int
    export: str
    is_ours: bool


def read_back(
    target: Path, find: Find, certificates: Sequence[Certificate] = (), *, progress: Progress = lambda done, total: None
) -> ReadBack:
    """Verifies the package at ``target``, a folder or a ZIP, as a stranger would, and compares its footage with what
    ``find`` opens. ``progress`` is told bytes verified and in all, and may raise to end it.

    Raises:
        OSError: the package, or a recorded file, can't be read.
    """
    ending = threading.Event()
    with ThreadPoolExecutor(1, "read-back") as pool:
        # Beside one another: the one mostly hashes, the other mostly reads.
        comparing = pool.submit(compare, target, find, ending)
        try:
            report = verify(target, certificates, progress=progress)
        except BaseException:
            ending.set()
            raise
        compared = comparing.result()
    wrong = [*map(finding_sentence, report.findings), *compared.wrong]
    outcome = CheckOutcome.WRONG if wrong else CheckOutcome.PARTLY if compared.gone else CheckOutcome.GOOD
    details = [*wrong[:_MOST_DETAILS]]
    if len(wrong) > _MOST_DETAILS:
        details.append(Sentence("and {count} more", count=len(wrong) - _MOST_DETAILS))
    if gone := compared.gone - compared.unread_segments:
        details.append(
            Sentence("{count} of its segments are no longer recorded here: they can't be compared", count=gone)
        )
    details += compared.unread[:_MOST_DETAILS]
    if len(compared.unread) > _MOST_DETAILS:
        left = len(compared.unread) - _MOST_DETAILS
        details.append(Sentence("and {count} more can't be compared", count=left))
    is_ours = report.signer_known and all(finding.kind is FindingKind.MALFORMED for finding in report.findings)
    return ReadBack(outcome, tuple(details), compared.bytes, compared.gone, str(report.about.get("id", "")), is_ours)
