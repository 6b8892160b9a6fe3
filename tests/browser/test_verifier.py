"""The verifier as its recipient has it: one file, opened from a disk, with the verdicts of ``nvr verify``."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvr.evidence.package.verifier import BUILT_VERIFIER
from nvr.evidence.seal.signing import Signer
from nvr.evidence.verify import verify
from tests.evidence.conftest import other_signer, signer, small, whole, world
from tests.evidence.made import Made, archive_of
from tests.evidence.verify.tampered import Case, tampered_cases
from tests.nightly import IS_NIGHT, seed, tenth
from tests.playback.worlds import World
from tests.support.chrome import Page, chromium

__all__ = ["other_signer", "signer", "small", "whole", "world"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The built page, copied away from all else, opened from the disk."""
    if not BUILT_VERIFIER.is_file():
        pytest.skip("NOT TESTED: the verifier is not built here (make setup)")
    copy = tmp_path_factory.mktemp("saved") / "verify.html"
    shutil.copy(BUILT_VERIFIER, copy)
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        page.driver.get(copy.as_uri())
        page.get("verifier-file")
        yield page


def verdict(page: Page, case: Case) -> dict[str, Any]:
    """What the page says of it."""
    fingerprints = [one.certificate.fingerprint for one in case.trusted]
    page.driver.refresh()
    details = page.driver.find_element("css selector", "details")
    page.driver.execute_script("arguments[0].open = true", details)
    if len(fingerprints) == 1:
        page.get("verifier-fingerprint").send_keys(":".join(re.findall("..", fingerprints[0].upper())))
    page.get("verifier-folder" if case.path.is_dir() else "verifier-file").send_keys(str(case.path))
    found = page.get("verdict")
    return {
        "outcome": found.get_attribute("data-outcome"),
        "findings": [
            [one.get_attribute(f"data-{name}") for name in ("kind", "where", "code")] for one in page.all("finding")
        ],
    }


def test_tampered_packages_have_the_verdict_of_the_command(
    page: Page,
    small: Made,
    whole: Made,
    world: World,
    signer: Signer,
    other_signer: Signer,
    tmp_path: Path,
) -> None:
    cases = [
        case
        for case in tampered_cases(small, whole, world, signer, other_signer, tmp_path)
        # The page takes one fingerprint; a browser says nothing of an empty file's folder.
        if len(case.trusted) < 2
    ]
    assert len(cases) > 100
    # All of them run under Node with every change (tests/evidence/verify/test_browser_verdicts.py).
    chosen = {case.name for case in cases} if IS_NIGHT else tenth([case.name for case in cases], seed())
    wrong = {}
    for case in cases:
        if case.name not in chosen:
            continue
        report = verify(case.path, [one.certificate for one in case.trusted])
        wanted = {
            "outcome": report.outcome,
            "findings": [[one.kind.value, one.where, one.code] for one in report.findings],
        }
        found = verdict(page, case)
        if found != wanted:
            wrong[case.name] = (found, wanted)
    assert wrong == {}


def test_it_says_what_it_checks_and_asks_nobody(page: Page, small: Made, signer: Signer, tmp_path: Path) -> None:
    path = archive_of(small.path, tmp_path / "export.zip")
    assert verdict(page, Case("good", path, (signer,)))["outcome"] == "valid"
    text = page.driver.find_element("css selector", "main").text
    assert signer.certificate.fingerprint in text and "What no check says" in text
    assert "LP/1/2026" in page.get("about").text
    page.shoot("verifier")
    source = page.driver.page_source
    assert "default-src 'none'" in source
    assert not re.search(r"(src|href)=\"(?!data:)[^\"]+\"", re.sub(r"<script.*?</script>", "", source, flags=re.S))
    asked = page.driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert [name for name in asked if not name.startswith("blob:")] == []
    assert [line for line in page.complaints() if "ERR_FILE_NOT_FOUND" not in line] == []
    page.driver.execute_script("localStorage.clear()")
