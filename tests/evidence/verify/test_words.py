"""Everything that can be found has words."""

from __future__ import annotations

import re
from pathlib import Path

from nvr.evidence.verify.report import EXIT_CODES, FindingKind, SignatureReport, VerificationReport
from nvr.evidence.verify.words import describe
from nvr.texts import words

SOURCES = Path(__file__).parents[3] / "nvr/evidence/verify"


def test_every_outcome_has_words_and_an_exit_code() -> None:
    assert set(words("en").outcomes) == {"intact", "valid", *FindingKind}
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES) == len(FindingKind) + 1


def test_a_name_cannot_write_to_the_terminal() -> None:
    report = VerificationReport("x\x1b[2J", "mp4", False)
    report.signatures.append(SignatureReport(1, "00", "\x1b[1mVALID\u202e\nVALID", 0, 0, "\r", False))
    assert all(line.isprintable() for line in describe(report, "en"))


def test_every_code_that_is_found_has_a_text() -> None:
    used: set[str] = set()
    for path in SOURCES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r"Kind\.\w+,\s*[^\"]*?\"(\w+)\"", text))
    assert len(used) > 15
    assert used <= set(words("en").findings)
