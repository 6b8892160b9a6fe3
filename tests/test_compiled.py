"""Compiled modules are those of the sources as they are, or none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nvr import compiled

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
