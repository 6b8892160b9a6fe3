"""The operator's exam: the tasks of the book, done by its commands alone, each in a fresh tree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from storage.catalogue import cameras
from tests.storage import mp4
from tests.storage.world import T0_US, World

TOP = Path(__file__).parents[2]
BOOK = TOP / "docs/guide/operators-book.md"
BUKU = TOP / "docs/guide/buku-operator.md"


def tasks(page: Path) -> list[tuple[str, str]]:
    """The heading that a task stands under, and its commands."""
    found, heading = [], ""
    for match in re.finditer(r"^## ([^\n]+)$|^```sh exam\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S):
        heading = match[1] or heading
        if match[2]:
            found.append((heading, match[2]))
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A server's folder: a camera in the north of the city, with some footage of 17:00."""
    world = World(tmp_path)
    with world.database.write() as conn:
        cameras.add(
            conn, camera="gate-1", name="Gerbang", source="catalogue", settings={"url": "rtsp://192.0.2.1/x"},
            labels={"district": "utara"}, node="n1", epoch=1, at_us=T0_US,
        )  # fmt: skip
    for number in range(5):
        world.part(T0_US + number * 3 * mp4.FRAGMENT_US, range(3), camera="gate-1", final_name=True, enter=True)
    world.close()
    (tmp_path / "config.toml").write_text(
        f'[server]\nzone = "Asia/Jakarta"\n[storage]\nroots = ["{world.root.path}"]\ncatalogue = "catalogue.db"\n'
    )
    return tmp_path


EXAM = tasks(BOOK)


@pytest.mark.parametrize(
    "number", range(len(EXAM)), ids=[f"{n}-{heading[:2].strip('. ')}" for n, (heading, _) in enumerate(EXAM)]
)
def test_a_task_is_done_by_its_commands_alone(place: Path, number: int) -> None:
    heading, commands = EXAM[number]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands], cwd=place, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PATH": path, "LANG": "C.UTF-8", "COLUMNS": "200"}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"{heading}:\n{commands}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr and "warning: config.toml" not in done.stderr, done.stderr


def test_the_book_has_twenty_tasks_and_both_languages_the_same() -> None:
    def code(text: str) -> str:
        return re.sub(r"#.*", "", text)

    assert len(EXAM) >= 20
    assert [code(commands) for _, commands in EXAM] == [code(commands) for _, commands in tasks(BUKU)]
    english, indonesian = (page.read_text(encoding="utf-8") for page in (BOOK, BUKU))
    for pattern in (r"^## (\d+)\.", r"^\| ", r"`(nvr [a-z-]+)"):
        assert len(re.findall(pattern, english, re.M)) == len(re.findall(pattern, indonesian, re.M)), pattern


@pytest.mark.parametrize("page", [BOOK, BUKU], ids=["en", "id"])
def test_links_within_it_lead_to_a_heading(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in re.findall(r"^## (.+)$", text, re.M)
    }
    targets = re.findall(r"\]\(#([^)]+)\)", text)
    assert len(targets) == 17 and set(targets) == headings


def test_a_command_of_the_book_is_one() -> None:
    """Those that are not done by the exam too."""
    import click

    from nvr.cli import main
    from tests.test_docs import commands

    known = {name for name, _ in commands(main, "nvr")}
    for page in (BOOK, BUKU):
        for words in re.findall(r"`(?:runuser -u nvr -- )?(nvr [a-z][^`]*)`", page.read_text(encoding="utf-8")):
            parts = words.split()
            assert {" ".join(parts[:2]), " ".join(parts[:3])} & known, words
            for option in re.findall(r" (--[a-z-]+)", words):
                name = " ".join(parts[:3]) if " ".join(parts[:3]) in known else " ".join(parts[:2])
                command: click.Command = main
                for part in name.split()[1:]:
                    assert isinstance(command, click.Group)
                    found = command.get_command(click.Context(command), part)
                    assert found is not None
                    command = found
                assert any(option in parameter.opts for parameter in command.params), words
