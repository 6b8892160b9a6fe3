"""The locks fit ``pyproject.toml``, hold for every Python and platform, and what is made of them is whole."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.supply import parts, problems, read_lock, sbom, wanted

TOP = Path(__file__).parent.parent


def copy_of(tmp_path: Path) -> Path:
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    shutil.copytree(TOP / "requirements", tmp_path / "requirements")
    return tmp_path


def test_the_locks_fit() -> None:
    assert problems() == []
    assert {path.stem for path in (TOP / "requirements").glob("*.txt")} == set(wanted())


def test_locks_that_do_not_fit_are_told(tmp_path: Path) -> None:
    top = copy_of(tmp_path)
    project, lock = top / "pyproject.toml", top / "requirements/runtime.txt"
    project.write_text(
        project.read_text().replace('"click>=8.1"', '"click>=99"').replace('"uvloop>=0.21"', '"uvloop>=0.21", "sqlean"')
    )
    assert {"runtime.txt: sqlean is missing", "test.txt: sqlean is missing"} < set(problems(top))
    assert any(re.fullmatch(r"runtime\.txt: click \S+ is not >=99", line) for line in problems(top))
    top = copy_of(tmp_path / "second") if (tmp_path / "second").mkdir() is None else top
    lock = top / "requirements/runtime.txt"
    lock.write_text(re.sub(r"(?m)^(h11==\S+) .*\n(?:    --hash.*\n)+", r"\1\n", lock.read_text()))
    assert problems(top) == ["runtime.txt: h11 has no hash"]
    (top / "requirements/build.txt").unlink()
    assert "build.txt: there is no such lock" in problems(top)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_each_package_has_one_version_for_each_python_and_machine(python: str, machine: str) -> None:
    environment = {"python_full_version": f"{python}.0", "python_version": python, "platform_machine": machine}
    for name, lines in wanted().items():
        locked = read_lock(TOP / "requirements" / f"{name}.txt")
        fitting = [one.name for one in locked if not one.marker or Marker(one.marker).evaluate(environment)]
        assert len(fitting) == len(set(fitting))
        assert {canonicalize_name(Requirement(line).name) for line in lines} <= set(fitting)


def test_the_makefile_installs_nothing_without_hashes() -> None:
    text = (TOP / "Makefile").read_text()
    locked = text[text.index("ifneq ($(LOCK),)") : text.index("else # by ranges")]
    assert "--require-hashes" in locked and "--no-deps --no-build-isolation" in locked
    outside = text.replace(text[text.index("ifneq ($(LOCK),)") : text.index("endif # LOCK")], "")
    assert re.findall(r".*pip install.*", outside) == ["PIP = $(BIN)/python -m pip install -q"]
    assert "$(PIP)" not in outside


def test_a_wrong_hash_is_refused(tmp_path: Path) -> None:
    """By pip itself, with a wheel of ours, so that no registry is needed."""
    wheel = tmp_path / "thing-1-py3-none-any.whl"
    import zipfile

    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("thing.py", "")
        archive.writestr("thing-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1\n")
        archive.writestr("thing-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("thing-1.dist-info/RECORD", "")
    (tmp_path / "lock.txt").write_text(f"thing==1 \\\n    --hash=sha256:{'0' * 64}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-index", "--find-links", tmp_path, "--target", tmp_path / "out",
         "--require-hashes", "-r", tmp_path / "lock.txt"], capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0 and "DO NOT MATCH THE HASHES" in done.stderr.upper()


def test_the_sbom_names_all_that_runs(tmp_path: Path) -> None:
    found = parts()
    document = json.loads(json.dumps(sbom(found)))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    refs = [component["bom-ref"] for component in document["components"]]
    assert len(refs) == len(set(refs))
    names = {component["name"] for component in document["components"]}
    assert {
        "av",
        "cryptography",
        "litestar",
        "zxcvbn-rs-py",
        "pyo3",
        "hls.js",
        "preact",
        "ffmpeg",
        "openssl",
        "sqlite",
    } <= names
    assert not names & {"pytest", "vite", "typescript"}
    # Everything is reached from the product, and nothing leads out of the document.
    needs = {entry["ref"]: entry["dependsOn"] for entry in document["dependencies"]}
    assert {ref for of in needs.values() for ref in of} <= set(refs)
    assert document["serialNumber"] == sbom(found)["serialNumber"]
    locked = [
        component for component in document["components"] if component["purl"].startswith(("pkg:pypi/", "pkg:npm/"))
    ]
    assert all(component["externalReferences"][0]["hashes"] for component in locked)


@pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not here: install Rust, https://rustup.rs")
def test_what_is_linked_into_the_extension_is_listed() -> None:
    tree = subprocess.run(
        ["cargo", "tree", "--locked", "--features", "python", "--edges", "normal,no-proc-macro", "--prefix", "none",
         "--format", "{p} {l}"],
        cwd=TOP / "packets", capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    lines = {" ".join([line.split()[0], *line.replace("(*)", "").split()[2:]]) for line in tree.splitlines()}
    listed = set((TOP / "packets/licences.txt").read_text().splitlines())
    assert {line for line in lines if not line.startswith("nvr-packets")} == listed


def test_every_part_states_a_licence_that_lets_us_deliver_it() -> None:
    unknown = {part.name: part.licence for part in parts() if not part.licence}
    assert unknown == {}
    # The AGPL, and the GPL without an exception or a choice, bind what is delivered with it.
    bound = {
        part.name
        for part in parts()
        if re.search(r"(?<!L)\bA?GPL|Affero", part.licence)
        and not re.search("LGPL|WITH|FTL OR|BSD-3-Clause OR", part.licence)
    }
    text = (TOP / "docs/design/dependencies.md").read_text()
    assert bound == {"x264", "x265"}, "PyAV's wheel has these, and dependencies.md says what follows; nothing else has"
    assert all(f"`{name}`" in text for name in bound)
