"""The extension is that of the sources as they are, or none; and it is no secret how to get it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nvr import extension

TOP = Path(__file__).parent.parent


def test_other_sources_have_another_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "packets"
    shutil.copytree(extension.CRATE, copy, ignore=shutil.ignore_patterns("target"))
    before = extension.folder()
    monkeypatch.setattr(extension, "CRATE", copy)
    assert extension.folder() == before
    with (copy / "src" / "units.rs").open("a") as file:
        file.write("// more\n")
    assert extension.folder() != before
    # It is not built, so there is none: what was built of other sources is not used.
    assert extension.load() is None


def test_an_installed_one_is_beside_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built = extension.load()
    if built is None or built.__file__ is None:
        pytest.skip("NOT TESTED: the extension is not built (python -m nvr.extension)")
    shutil.copy(built.__file__, tmp_path / "nvr_packets.abi3.so")
    monkeypatch.setattr(extension, "CRATE", tmp_path / "no crate")
    monkeypatch.setattr(extension, "__file__", str(tmp_path / "extension.py"))
    installed = extension.load()
    assert installed is not None and installed.__file__ == str(tmp_path / "nvr_packets.abi3.so")
    (tmp_path / "nvr_packets.abi3.so").unlink()
    assert extension.load() is None


def test_without_cargo_that_is_said(tmp_path: Path) -> None:
    copy = tmp_path / "packets"
    shutil.copytree(extension.CRATE, copy, ignore=shutil.ignore_patterns("target"))
    (copy / "Cargo.toml").write_text((copy / "Cargo.toml").read_text() + "\n# another\n")
    program = "import pathlib, sys; from nvr import extension; extension.CRATE = pathlib.Path(sys.argv[1])"
    ran = subprocess.run(
        [sys.executable, "-c", f"{program}; extension.build()", str(copy)],
        cwd=TOP, env={**os.environ, "PATH": "/nonexistent"}, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 1 and "cargo" in ran.stderr


def test_setup_says_in_a_line_that_cargo_is_missing() -> None:
    printed = subprocess.run(["make", "--dry-run", "setup"], cwd=TOP, capture_output=True, text=True, check=True).stdout
    assert printed.count("No cargo: recording works without the extension") == 1


def test_what_is_not_python_s_is_not_unsafe() -> None:
    """But for one expression: a number of Python's is a descriptor only by its word."""
    library = (extension.CRATE / "src" / "lib.rs").read_text()
    modules = {path.stem for path in (extension.CRATE / "src").glob("*.rs")} - {"lib", "python", "pool", "socket"}
    for name in modules:
        assert f"#[forbid(unsafe_code)]\npub mod {name};" in library
    assert "#![deny(unsafe_code)]" in library
    unsafe = {path.name: path.read_text().count("unsafe {") for path in (extension.CRATE / "src").glob("*.rs")}
    assert {name: count for name, count in unsafe.items() if count} == {"socket.rs": 1}
