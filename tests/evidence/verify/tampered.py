"""Packages as somebody who wants them to pass, or a bad disk, leaves them: one list, which every verifier walks."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nvr.evidence.making.countersign import countersign
from nvr.evidence.package.archive import ArchiveEntry, ArchiveLayout, made_s
from nvr.evidence.package.manifest import encode
from nvr.evidence.seal.signing import Signer
from storage.format.boxes import children
from tests.evidence.made import Made, archive_of, make, name_of
from tests.playback.worlds import World

__all__ = ["Case", "damaged_cases", "tampered_cases"]


@dataclass(frozen=True)
class Case:
    """Something to verify, and with which certificates trusted."""

    name: str
    path: Path
    trusted: tuple[Signer, ...] = ()


def _flip(path: Path, at: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


class _Maker:
    def __init__(self, small: Made, signer: Signer, into: Path) -> None:
        self.small, self.signer, self.into = small, signer, into
        self.cases: list[Case] = []

    def folder(self, name: str, change: Callable[[Path], None], made: Made | None = None) -> Path:
        """A copy of the package, changed; and, where it is one that a ZIP can hold, its archive."""
        path = self.into / name
        shutil.copytree((made or self.small).path, path)
        change(path)
        self.cases.append(Case(name, path))
        if all(entry.is_file() and not entry.name.startswith(".") for entry in path.iterdir()):
            called = name_of((made or self.small).path)
            zipped = archive_of(path, self.into / f"{name}.zip", called=called)
            self.cases.append(Case(f"{name} as ZIP", zipped))
        return path

    def file(self, name: str, data: bytes) -> None:
        path = self.into / name
        path.write_bytes(data)
        self.cases.append(Case(name, path))

    def manifest(
        self, change: Callable[[dict[str, Any]], None], *, signed_by: Signer | None = None
    ) -> Callable[..., None]:
        def edit(path: Path) -> None:
            manifest = json.loads((path / "manifest.json").read_bytes())
            change(manifest)
            data = encode(manifest)
            (path / "manifest.json").write_bytes(data)
            if signed_by is not None:
                (path / "manifest.1.sig").write_bytes(signed_by.sign(hashlib.sha256(data).digest()))
                (path / "manifest.1.der").write_bytes(signed_by.certificate.der)

        return edit


def tampered_cases(small: Made, whole: Made, world: World, signer: Signer, other: Signer, into: Path) -> list[Case]:
    """One of each kind that the tests of ``nvr verify`` know, as folders, ZIPs and single files."""
    maker = _Maker(small, signer, into)
    first, second = (movie.name for movie in small.movies)
    maker.folder("untouched", lambda path: None)
    maker.cases += [replace(case, name=f"{case.name}, trusted", trusted=(signer,)) for case in maker.cases[:2]]
    maker.cases += [replace(case, name=f"{case.name}, not trusted", trusted=(other,)) for case in maker.cases[:2]]
    segment = next(f for f in whole.package.manifest["files"] if len(f.get("segments", ())) > 1)
    maker.folder(
        "picture", lambda path: _flip(path / segment["name"], segment["segments"][1]["file_bytes"][1] - 10), whole
    )
    for name in (first, "statement.pdf", "manifest.1.sig", "manifest.1.der", "manifest.json"):
        maker.folder(f"removed {name}", lambda path, name=name: (path / name).unlink())  # type: ignore[misc]
        maker.folder(f"longer {name}", lambda path, name=name: _append(path / name, b"\n"))  # type: ignore[misc]
        maker.folder(f"flipped {name}", lambda path, name=name: _flip(path / name, 40, 3))  # type: ignore[misc]
    maker.folder("added", lambda path: (path / "more.txt").write_text("x") and None)
    maker.folder("another movie", lambda path: shutil.copy(small.movies[0], path / "gate-1_another.mp4") and None)

    def swap(path: Path) -> None:
        (path / first).rename(path / "x")
        (path / second).rename(path / first)
        (path / "x").rename(path / second)

    maker.folder("swapped", swap)
    maker.folder("edited", maker.manifest(lambda m: m["request"].update(case="LP/2/2026")))

    def strike(path: Path) -> None:
        maker.manifest(lambda m: m["files"].pop(0) and None)(path)
        (path / first).unlink()

    maker.folder("struck", strike)
    maker.folder("version", maker.manifest(lambda m: m.update(version=2), signed_by=signer))
    maker.folder("algorithm", maker.manifest(lambda m: m["signer"].update(algorithm="other"), signed_by=signer))
    maker.folder("twice", maker.manifest(lambda m: m["files"].append(m["files"][0]), signed_by=signer))
    maker.folder("reserved", maker.manifest(lambda m: m["files"][0].update(name="../x"), signed_by=signer))
    maker.folder("no files", maker.manifest(lambda m: m.pop("files") and None, signed_by=signer))
    maker.folder("odd size", maker.manifest(lambda m: m["files"][0].update(size="1"), signed_by=signer))
    maker.folder(
        "signed anew",
        maker.manifest(lambda m: m["signer"].update(certificate_sha256=other.certificate.fingerprint), signed_by=other),
    )

    def rename_signer(path: Path) -> None:
        der = (path / "manifest.1.der").read_bytes()
        _flip(path / "manifest.1.der", der.find(b"Test recorder"), 5)

    maker.folder("other certificate", rename_signer)
    forged = make(world, other, into / "forged")
    maker.cases += [Case("forged", forged.path, (signer,)), Case("forged, unpinned", forged.path)]
    maker.cases += [
        Case("forged, both", forged.path, (signer, other)),
        Case("forged movie", forged.movies[0], (signer,)),
    ]

    def signed_twice(path: Path) -> None:
        countersign(path, other, remark="Seen")

    both = maker.folder("countersigned", signed_twice)
    maker.cases.append(Case("countersigned, known", both, (other,)))

    def only_the_movies(path: Path) -> None:
        signed_twice(path)
        for name in ("manifest.2.sig", "manifest.2.der"):
            (path / name).unlink()

    maker.folder("countersigned movies alone", only_the_movies)

    def only_the_manifest(path: Path) -> None:
        signed_twice(path)
        for movie in small.movies:
            shutil.copy(movie, path / movie.name)

    maker.folder("countersigned manifest alone", only_the_manifest)
    maker.folder("countersigned, flipped", lambda path: (signed_twice(path), _flip(path / "manifest.2.sig", 9))[1])
    _hidden(maker)
    _movies(maker, small)
    _archives(maker, small)
    return maker.cases


def _append(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


def _hidden(maker: _Maker) -> None:
    def change(path: Path) -> None:
        (path / "folder").mkdir()
        (path / "folder" / "inner.txt").write_text("x")

    maker.folder("folder in it", change)


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def _movies(maker: _Maker, small: Made) -> None:
    data = small.movies[0].read_bytes()
    boxes = list(children(data, 0, len(data)))
    maker.file("good.mp4", data)
    maker.file("indexed.mp4", data + struct.pack(">I4sI4sII", 24, b"mfra", 16, b"mfro", 0, 24))
    for count in (1, 40, 3000):
        maker.file(f"cut {count}.mp4", data[:-count])
        maker.file(f"longer {count}.mp4", data + bytes(count))
    tfhd = _box(b"tfhd", struct.pack(">IIII", 0x020018, 1, 1, 0))
    traf = _box(b"traf", tfhd + _box(b"tfdt", bytes(8)) + _box(b"trun", struct.pack(">III", 1, 1 << 17, 0)))
    moof = _box(b"moof", _box(b"mfhd", bytes(8)) + traf * 50_000)
    maker.file("bomb.mp4", data[: boxes[1].end] + moof + _box(b"mdat", b""))
    maker.file("flat.mp4", data[: boxes[1].end] + _box(b"mdat", b"x" * 40))
    fragment = data[boxes[2].start : boxes[3].end]
    maker.file("fragment twice.mp4", data[: boxes[3].end] + fragment + data[boxes[3].end :])
    maker.file("fragment gone.mp4", data[: boxes[2].start] + data[boxes[3].end :])
    maker.file("free.mp4", data[: boxes[2].start] + _box(b"free", b"hello") + data[boxes[2].start :])
    for number, content in enumerate([b"", b"\0", b"PK", b"hello, world, this is text", b"\0\0\0\x08ftyp"]):
        maker.file(f"something {number}", content)
    maker.file("noise", random.Random(1).randbytes(4096))


def _archives(maker: _Maker, small: Made) -> None:
    data = archive_of(small.path, maker.into / "true.zip").read_bytes()
    maker.file("before.zip", b"\0" + data)
    maker.file("behind.zip", data + b"\0")
    maker.file("short.zip", data[:-1])
    maker.file("doubled.zip", data + data)
    maker.file("comment.zip", data[:-2] + b"\x04\x00hide")
    maker.file("half.zip", data[: len(data) // 2])
    content = b"A" * 1000
    entry = ArchiveEntry("a.txt", len(content), zlib.crc32(content))
    layout = ArchiveLayout("export-1", [entry])
    good = layout.heads[0] + content + layout.end
    central = len(layout.heads[0]) + len(content)

    def changed(at: int, value: bytes) -> bytes:
        return good[:at] + value + good[at + len(value) :]

    maker.file("no manifest.zip", good)
    maker.file("compressed.zip", changed(central + 10, struct.pack("<H", 8)))
    maker.file("link.zip", changed(central + 38, struct.pack("<I", 0o120777 << 16)))
    maker.file("contradicting.zip", changed(8, struct.pack("<H", 8)))
    maker.file("size.zip", changed(good.index(struct.pack("<Q", 1000)), struct.pack("<Q", 10**9)))
    for other in ("a.txt", "A.TXT"):
        twice = ArchiveLayout("export-1", [replace(entry, size=0, crc32=0), ArchiveEntry(other, 0, 0)])
        maker.file(f"name twice {other}.zip", b"".join(twice.heads) + twice.end)
    two = ArchiveLayout("export-1", [entry, replace(entry, name="b.txt")])
    maker.file("overlap.zip", layout.heads[0] + content + two.heads[1] + two.end)
    bomb = ArchiveLayout("export-1", [ArchiveEntry("a.txt", 1 << 45, 0)])
    maker.file("huge.zip", bomb.heads[0] + bomb.end)
    other_program = maker.into / "other program.zip"
    with zipfile.ZipFile(other_program, "w") as opened:
        for path in sorted(small.path.iterdir()):
            opened.write(path, f"{name_of(small.path)}/{path.name}")
    maker.cases.append(Case(other_program.name, other_program))
    made = made_s(small.path) or 0
    for when in (None, made + 2):
        there = sorted(small.path.iterdir())
        files = [ArchiveEntry(path.name, path.stat().st_size, zlib.crc32(path.read_bytes())) for path in there]
        of_then = ArchiveLayout(name_of(small.path), files, when)
        parts = zip(of_then.heads, there, strict=True)
        maker.file(f"time {when}.zip", b"".join(head + file.read_bytes() for head, file in parts) + of_then.end)
    renamed = archive_of(small.path, maker.into / "renamed.zip", called="export-20261224T120000.000Z-aaaaaaaa")
    maker.cases.append(Case("renamed", renamed))


# Numbers at which sizes and counts turn over.
_EDGES = (0, 1, 7, 8, 15, 16, 2**16, 2**31 - 1, 2**31, 2**32 - 1)


def damaged_cases(small: Made, into: Path, count: int, seed: int) -> list[Case]:
    """Files and ZIPs as disks and transfers leave them: a bit turned, bytes cut, doubled, dropped, filled."""
    chance = random.Random(seed)
    movie = min(small.movies, key=lambda path: path.stat().st_size).read_bytes()
    archive = archive_of(small.path, into / "whole.zip").read_bytes()
    cases = []
    for number in range(count):
        is_zip = chance.random() < 0.4
        data = bytearray(archive if is_zip else movie)
        # Half of the damage is to what describes the pictures, of which there are few bytes.
        places = [box for box in children(movie, 0, len(movie)) if box.kind != b"mdat"]
        if is_zip:
            low, high = (len(data) - 2500, len(data)) if chance.random() < 0.5 else (0, len(data))
        else:
            box = chance.choice(places)
            low, high = (box.start, box.end) if chance.random() < 0.8 else (0, len(data))
        for _ in range(chance.randint(1, 2)):
            at = chance.randrange(low, min(high, len(data)))
            length = chance.choice([1, 4, 8, chance.randrange(1, 64), chance.randrange(1, len(data) + 1)])
            kind = chance.choice(["bit", "bit", "bit", "cut", "double", "zero", "insert", "drop", "edge"])
            if kind == "bit":
                data[at] ^= 1 << chance.randrange(8)
            elif kind == "cut":
                del data[at:]
            elif kind == "double":
                data[at:at] = data[at : at + length]
            elif kind == "zero":
                data[at : at + length] = bytes(len(data[at : at + length]))
            elif kind == "insert":
                data[at:at] = chance.randbytes(min(length, 64))
            elif kind == "drop":
                del data[at : at + length]
            else:
                data[at : at + 4] = struct.pack(
                    ">I", chance.choice([0, 1, 7, 8, 15, 16, 2**16, 2**31 - 1, 2**31, 2**32 - 1])
                )
            if len(data) <= low + 1:
                break
        path = into / f"damaged-{seed}-{number}.{'zip' if is_zip else 'mp4'}"
        path.write_bytes(data)
        cases.append(Case(path.name, path))
    return cases
