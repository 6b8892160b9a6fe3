"""Compiled modules are those of the sources as they are, or none."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from nvr import compiled
from tests.support.narrowing import optional_attributes, rechecked

PROGRAM = """
import importlib, json
from nvr import compiled
used = compiled.use()
print(json.dumps([used, {name: importlib.import_module(name).__file__ for name in compiled.MODULES}]))
"""


def test_every_module_exists() -> None:
    top = Path(compiled.__file__).parents[1]
    for name in compiled.MODULES:
        assert top.joinpath(*name.split(".")).with_suffix(".py").is_file(), name


def test_other_sources_have_another_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("nvr/recorder/a.py", "storage/b.py"):
        tmp_path.joinpath(name).parent.mkdir(parents=True)
        tmp_path.joinpath(name).write_text("")
    monkeypatch.setattr(compiled, "_TOP", tmp_path)
    found = {compiled.folder()}
    tmp_path.joinpath("storage/b.py").write_text("x = 1")
    found.add(compiled.folder())
    tmp_path.joinpath("storage/b.py").rename(tmp_path / "storage" / "c.py")
    found.add(compiled.folder())
    assert len(found) == 3


def test_nothing_made_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = list(sys.meta_path)
    monkeypatch.setattr(compiled, "folder", lambda: tmp_path / "none")
    assert not compiled.use() and sys.meta_path == before


def test_all_of_them_or_none() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    used, files = json.loads(ran.stdout)
    assert used == compiled.folder().is_dir()
    assert {Path(file).suffix for file in files.values()} == {".so" if used else ".py"}


SECOND_CHECK = """
class Pipeline:
    def __init__(self):
        self.run: Run | None = None

    def checked(self, picture):
        if self.run is not None:
            self.hole(picture)
            if self.run is not None:
                self.run.video(picture)

    def made(self, held):
        self.run, self.count = Run(), 0
        for picture in held:
            if picture.loss and self.run is not None:
                self.hole(picture)

    def left(self, picture):
        if self.run is None:
            return
        self.hole(picture)
        while picture.loss and self.run is run:
            pass
"""
NO_SECOND_CHECK = """
class Pipeline:
    def __init__(self):
        self.run: Run | None = None
        self.held: list[Frame] = []

    def asked(self, picture):
        run = self.growing()
        if run is not None:
            self.hole(picture)
            run = self.growing()
        if run is not None and self.held:
            self.begin()
            if self.held:
                run.video(picture)

    def set_anew(self):
        if self.run is not None:
            self.run = self.another()
            if self.run is not None and self.run.count:
                self.end()
        elif self.begin():
            assert self.run is not None

    def each(self, handles):
        for handle in handles:
            if handle.run is not None:
                self.end(handle)
"""


def test_nothing_is_checked_twice_that_may_have_changed() -> None:
    """It passes interpreted, and raises TypeError compiled: it cost 25 cameras of a soak their connections."""
    trees = {
        name: ast.parse(Path(compiled.__file__).parents[1].joinpath(*name.split(".")).with_suffix(".py").read_text())
        for name in compiled.MODULES
    }
    anywhere = optional_attributes(trees.values())
    found = [
        f"{name}:{line} {attribute}"
        for name, tree in trees.items()
        for line, attribute in rechecked(tree, anywhere | optional_attributes([tree]))
    ]
    assert not found, "read it by a call"


def test_second_checks_are_found() -> None:
    wrong, right = ast.parse(SECOND_CHECK), ast.parse(NO_SECOND_CHECK)
    optional = optional_attributes([wrong])
    assert [path for _, path in rechecked(wrong, optional)] == ["self.run"] * 3
    assert list(rechecked(right, optional)) == []
