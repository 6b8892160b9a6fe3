"""A tenth of the long suites: chosen by a seed alone, never none, never one that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.nightly import SUITES, longer, tenth

TOP = Path(__file__).parent.parent


@given(st.lists(st.text(), unique=True), st.integers(0, 1 << 31))
def test_property_a_tenth_depends_on_nothing_but_names_and_seed(names: list[str], number: int) -> None:
    chosen = tenth(names, number)
    assert chosen <= set(names)
    assert len(chosen) == (max(1, len(names) // 10) if names else 0)
    assert chosen == tenth(list(reversed(names)), number)


def test_every_name_is_chosen_by_some_seed() -> None:
    names = [f"test-{number}" for number in range(30)]
    assert set().union(*(tenth(names, number) for number in range(200))) == set(names)


def test_what_is_not_tested_as_sources_is_tested_compiled() -> None:
    """Of the two runs of ``make test`` the first leaves out what the second has."""
    text = (TOP / "Makefile").read_text()

    def named(variable: str) -> set[str]:
        found = re.search(rf"^{variable} = \$\(addprefix (\S+),([^)]*)\)$", text, re.MULTILINE)
        assert found is not None, variable
        return {found[1] + name for name in found[2].split()}

    left_out, storage, servers = map(named, ("COMPILED_ONLY", "COMPILED_STORAGE_TESTS", "SERVER_TESTS"))
    assert [name for name in left_out | storage | servers if not (TOP / name).exists()] == []
    assert "$(SERVER_TESTS) tests/recorder $(COMPILED_STORAGE_TESTS)" in text
    assert all(name in storage or name.startswith("tests/recorder/") for name in left_out)


def test_what_tries_more_at_night_runs_at_night() -> None:
    found = longer()
    assert len(found) > 25 and all((TOP / name).is_file() for name in found)
    assert {"tests/storage/writing/test_faults.py", "tests/evidence/verify/test_damage.py"} <= set(found)
    assert any("{longer}" in suite.command for suite in SUITES)
    # What both of them leave out would run nowhere.
    marked = [name for name in found if "mark.nightly" in (TOP / name).read_text(encoding="utf-8")]
    assert any("-m nightly" in suite.command for suite in SUITES) or not marked


def test_a_suite_s_command_is_there() -> None:
    for suite in SUITES:
        words = suite.command.split()
        module = words[words.index("-m") + 1] if "-m" in words else ""
        if module.startswith("tests."):
            place = TOP.joinpath(*module.split("."))
            assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), suite.name
        for word in words:
            if word.startswith(("tests/", "packets/")):
                assert (TOP / word).exists(), word
