"""The wheel and the sdist: they hold the page and the licences, and what is installed of them serves without the
checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from nvr.cli.demo import free_port
from tests.supply import read_lock
from tests.support.waiting import until
from tests.third_party import PAGE, made

TOP = Path(__file__).parents[2]
DIST = TOP / "nvr/web/dist"
HATCHLING = Path(sys.executable).with_name("hatchling")


def build(top: Path, into: Path, *kinds: str) -> subprocess.CompletedProcess[str]:
    command = [HATCHLING, "build", "-d", into, *kinds]
    # Without cargo: the extension takes minutes, and is not what is looked at here.
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if not Path(part, "cargo").exists())
    variables = {**os.environ, "PATH": path}
    return subprocess.run(command, cwd=top, capture_output=True, text=True, timeout=120, env=variables)


def without_page(tmp_path: Path) -> Path:
    """A small checkout that hatchling takes for ours."""
    top = tmp_path / "checkout"
    top.mkdir()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "THIRD-PARTY.md", ".gitignore"):
        shutil.copy(TOP / name, top)
    for name in ("nvr", "storage"):
        (top / name).mkdir()
        (top / name / "__init__.py").touch()
    return top


@pytest.mark.parametrize("kind", ["-twheel", "-tsdist"])
def test_without_the_page_nothing_is_built_and_that_is_said(tmp_path: Path, kind: str) -> None:
    top = without_page(tmp_path)
    done = build(top, tmp_path / "out", kind)
    assert done.returncode != 0 and "there is no nvr/web/dist/index.html" in done.stderr + done.stdout
    assert not [*(tmp_path / "out").glob("*")]
    (top / "nvr/web/dist").mkdir(parents=True)
    (top / "nvr/web/dist/index.html").write_text("the page")
    assert build(top, tmp_path / "out", kind).returncode == 0


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both; the wheel is made of the sdist, as pip makes one."""
    if not (DIST / "index.html").is_file():
        pytest.skip("NOT TESTED as installed: the page is not built (make setup)")
    folder = tmp_path_factory.mktemp("built")
    done = build(TOP, folder, "-tsdist")
    assert done.returncode == 0, done.stderr
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (source,) = (folder / "unpacked").iterdir()
    done = build(source, folder, "-twheel")
    assert done.returncode == 0, done.stderr
    return folder


def test_both_hold_the_page_and_the_licences_and_nothing_that_is_not_ours(built: Path) -> None:
    page = {path.relative_to(TOP).as_posix(): path.read_bytes() for path in DIST.rglob("*") if path.is_file()}
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = wheel.namelist()
        assert {name: wheel.read(name) for name in page} == page
        said = wheel.read(next(name for name in names if name.endswith("/METADATA"))).decode()
        for name in ("LICENSE", "THIRD-PARTY.md"):
            (inside,) = [one for one in names if one.endswith(f"/licenses/{name}")]
            assert wheel.read(inside) == (TOP / name).read_bytes()
    assert "License-Expression: Apache-2.0" in said
    # Sources of the page and tests belong to the sdist.
    assert [name for name in names if not name.startswith(("nvr/", "storage/", "nvr-"))] == []
    assert [name for name in names if "node_modules" in name or re.match("nvr/web/(?!dist/)", name)] == []
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        within = {name.partition("/")[2] for name in sdist.getnames()}
    assert set(page) <= within
    tracked = subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True)
    if tracked.returncode == 0:
        assert set(tracked.stdout.split()) - within == set()
        assert within - set(tracked.stdout.split()) - set(page) - {"PKG-INFO"} == set()


def test_the_list_of_third_parties_is_that_of_the_locks() -> None:
    if not (TOP / "nvr/web/node_modules/preact").exists():
        pytest.skip("NOT TESTED: what the page is made of is not installed (make setup)")
    assert made() == PAGE.read_text(encoding="utf-8"), "python -m tests.third_party --write makes it anew"


def environment(folder: Path) -> Path:
    """A new virtual environment with what the lock of the product's own needs names, and nothing else."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    target = next(folder.glob("lib/python*/site-packages"))
    for one in read_lock(TOP / "requirements/runtime.txt"):
        try:
            files = metadata.files(one.name) or []
        except metadata.PackageNotFoundError:
            continue  # of another platform
        for file in files:
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            path = target / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                shutil.copyfile(str(file.locate()), path)
    return folder


def test_the_installed_wheel_serves_without_the_checkout(built: Path, tmp_path: Path) -> None:
    home = environment(tmp_path / "environment")
    python = home / "bin/python"
    wheel = next(built.glob("*.whl"))
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-index", "--no-deps", wheel], check=True
    )
    where = subprocess.run(
        [python, "-c", "import nvr; print(nvr.__file__)"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(where.stdout.strip()).is_relative_to(home)
    port = free_port(27_300)
    (tmp_path / "config.toml").write_text(f"[server]\nport = {port}\nworkers = 1\n")
    log = tmp_path / "server.log"
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    with log.open("wb") as out:
        server = subprocess.Popen([home / "bin/nvr", "serve"], cwd=tmp_path, stdout=out, stderr=out, env=variables)
    try:
        until(lambda: server.poll() is not None or "page at" in log.read_text(), "the page", 180)
        assert server.poll() is None, log.read_text()

        def get(path: str) -> bytes:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
                return bytes(answer.read())

        page = get("")
        assert page == (DIST / "index.html").read_bytes()
        (script,) = re.findall(rb'src="(?:\./)?(assets/[^"]+\.js)"', page)
        assert get(script.decode()) == (DIST / script.decode()).read_bytes()
    finally:
        server.terminate()
        assert server.wait(20) == 0, log.read_text()
