"""The verifier for browsers gives the verdicts of ``nvr verify``: on each kind of tampered package, on random damage.

Its modules run under Node here, on thousands of files; ``tests/browser/test_verifier.py`` has the built page in a
browser.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from nvr.evidence.seal.signing import Signer
from nvr.evidence.verify import verify
from tests.evidence.made import Made
from tests.evidence.verify.tampered import Case, damaged_cases, tampered_cases
from tests.nightly import examples
from tests.playback.worlds import World

WEB = Path(__file__).parents[3] / "nvr/web"


def told(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """What ``nvr verify`` says of each."""
    found = []
    for case in cases:
        report = verify(case.path, [signer.certificate for signer in case.trusted])
        found.append(
            {
                "name": case.name,
                "path": str(case.path),
                "trusted": [signer.certificate.fingerprint for signer in case.trusted],
                "outcome": report.outcome,
                "findings": [[finding.kind.value, finding.where, finding.code] for finding in report.findings],
                "signatures": [[one.fingerprint, one.known, one.subject] for one in report.signatures],
            }
        )
    return found


@pytest.mark.parametrize("seed", [1])
def test_the_verifier_for_browsers_gives_the_same_verdicts(
    small: Made, whole: Made, world: World, signer: Signer, other_signer: Signer, tmp_path: Path, seed: int
) -> None:
    vitest = WEB / "node_modules/.bin/vitest"
    if not vitest.exists() or shutil.which("node") is None:
        pytest.skip("NOT TESTED: the verifier for browsers, whose packages are not installed here (make setup)")
    (tmp_path / "tampered").mkdir()
    (tmp_path / "damaged").mkdir()
    cases = tampered_cases(small, whole, world, signer, other_signer, tmp_path / "tampered")
    cases += damaged_cases(small, tmp_path / "damaged", examples(300, 20_000), seed)
    wanted = told(cases)
    kinds = {each["outcome"] for each in wanted}
    assert kinds == {"valid", "modified", "missing", "added", "unsupported", "malformed", "unknown_key"}
    (tmp_path / "verdicts.json").write_text(json.dumps(wanted))
    done = subprocess.run(
        [vitest, "run", "--reporter=dot", "src/verifier/verdicts.test.ts"],
        cwd=WEB,
        env={**os.environ, "NVR_VERDICTS": str(tmp_path / "verdicts.json"), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert f"{len(cases) + 1} passed" in done.stdout, done.stdout[-2000:]
