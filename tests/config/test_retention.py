"""Retention by labels in the file: which rule a camera has, and what can't be."""

from __future__ import annotations

from pathlib import Path

import pytest

from nvr.config import ConfigError, load
from storage.retention.policies import Policy

DAY_US = 86_400_000_000
CAMERA = '[[camera]]\nid = "a"\nurl = "rtsp://h"\nlabels = { district = "North" }\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_the_nearest_rule_counts(tmp_path: Path) -> None:
    label = '[retention]\nmin_age = "1d"\n[[retention.label]]\nmatch = { district = "North" }\nmax_age = "9d"\n'
    config = load(
        write(
            tmp_path,
            f'{label}{CAMERA}max_bytes = "1GB"\npriority = -3\n'
            f"{CAMERA.replace('North', 'South').replace(chr(34) + 'a', chr(34) + 'b')}",
        )
    )
    first, second = config.cameras
    assert config.retention.of(first) == Policy(9 * DAY_US, 10**9, DAY_US)
    assert config.retention.of(second) == Policy(30 * DAY_US, None, DAY_US)
    assert (first.priority, second.priority) == (-3, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[[retention.label]]\nmax_age = '1d'",
            '1: retention.label[1].match: is missing; add match = { district = "North" }',
        ),
        (
            "[[retention.label]]\nmatch = { a = 'b' }",
            "1: retention.label[1]: has no rule; add max_age, min_age or max_bytes, or remove it",
        ),
        (
            "[[retention.label]]\nmatch = {}\nmax_age = '1d'",
            "2: retention.label[1].match: must have at least 1 entry; add one",
        ),
        (
            "[[retention.label]]\nmatch = { a = 'b' }\nmax_ag = '1d'",
            "3: retention.label[1].max_ag: unknown key; did you mean max_age?",
        ),
        (
            "[[retention.label]]\nmatch = { a = 'b' }\nmin_age = '40d'",
            "3: retention.label[1].min_age: min_age 40d is longer than max_age 30d;"
            " footage can't be kept longer than it may exist: lower min_age or raise max_age",
        ),
        (
            f"[[retention.label]]\nmatch = {{ district = 'North' }}\nmax_age = '2d'\n{CAMERA}min_age = '3d'",
            "8: camera[a].min_age: min_age 3d is longer than max_age 2d;"
            " footage can't be kept longer than it may exist: lower min_age or raise max_age",
        ),
    ],
)
def test_what_cannot_be(tmp_path: Path, text: str, expected: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).replace(f"{path}:", "").splitlines() == [expected]
