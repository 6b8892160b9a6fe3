"""Heads of the audit log, signed by the key of exports and kept beside them: what the log is compared with.

A book is a folder of files that are only added to, ``<year>-<month>.jsonl``, a line a head:

    {"at","head","why","previous","certificate_sha256","signature"}

``signature`` (base64) is over the line's other members as JSON without spaces, sorted by name; ``previous`` is the
SHA-256 of the line before. Invariant: a line is never changed nor removed by us, and one that somebody else changed or
put in is told, and counts as no head.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nvr.evidence.seal.errors import KeyProblem
from nvr.evidence.seal.keys import KeyFolder
from nvr.evidence.seal.signing import Certificate, Signer
from nvr.evidence.seal.times import iso
from storage.catalogue.audit import AuditHead
from storage.disk.files import FILES

__all__ = ["HeadBook", "Noted", "reason"]

FOLDER: Final = "audit-heads"
_NONE: Final = AuditHead(0, "")
# Why a head was signed, after a comparison.
_COMPARED: Final = re.compile(r"(?:start|hourly)(, with \d+ faults)?(, none of them in the log)?")
_MEMBERS: Final = {"at", "head", "why", "previous", "certificate_sha256", "signature"}
_MOST_FAULTS: Final = 50


def reason(when: str, faults: int, *, is_log_right: bool) -> str:
    """Why a head is signed after a comparison that found so many faults. ``when``: ``start`` or ``hourly``."""
    if not faults:
        return when
    return f"{when}, with {faults} faults" + (", none of them in the log" if is_log_right else "")


@dataclass(frozen=True, slots=True)
class Noted:
    """What a book holds: its heads, oldest first, and what is wrong with it, in words. ``verified``: the last of them
    that was signed after the log up to it had been found right, unless it was found wrong since."""

    heads: tuple[AuditHead, ...]
    faults: tuple[str, ...]
    verified: AuditHead = _NONE


class HeadBook:
    """The book in the folder of exports ``exports``; ``keys`` are those that its lines are, or were, signed with."""

    def __init__(self, exports: Path, keys: KeyFolder) -> None:
        self.path = exports / FOLDER
        self._keys = keys
        self._lock = threading.Lock()

    def note(self, head: AuditHead, why: str, *, signer: Signer, now_us: int) -> None:
        """Adds a head. Waits for the disk.

        Raises:
            OSError: it can't be written.
        """
        with self._lock:
            # Each by itself: those that are made on the way would get other rights.
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            self.path.mkdir(mode=0o750, exist_ok=True)
            at = iso(now_us)
            path = self.path / f"{at[:7]}.jsonl"
            with self._alone():
                line: dict[str, Any] = {
                    "at": at,
                    "head": str(head),
                    "why": why,
                    "previous": self._last(),
                    "certificate_sha256": signer.certificate.fingerprint,
                }
                line["signature"] = base64.b64encode(signer.sign(_digest(line))).decode()
                fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
                try:
                    if os.geteuid() == 0:
                        # Made by a command that root calls: the server goes on in it.
                        owner = self.path.stat()
                        os.fchown(fd, owner.st_uid, owner.st_gid)
                    # A crash within a line left half of one: it is told, and does not take this one along.
                    os.write(fd, _mend(path) + _encode(line) + b"\n")
                    os.fsync(fd)
                finally:
                    os.close(fd)
                FILES.sync_folder(self.path)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Two processes must not both follow one line."""
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _files(self) -> list[Path]:
        # Something else of that name would keep its reader waiting; its lines are missed.
        return [path for path in sorted(self.path.glob("*.jsonl")) if path.is_file()] if self.path.is_dir() else []

    def _last(self) -> str:
        """The SHA-256 of the last line; empty of an empty book."""
        for path in reversed(self._files()):
            lines = path.read_bytes().splitlines()
            if lines:
                return hashlib.sha256(lines[-1]).hexdigest()
        return ""

    def read(self) -> Noted:
        """What the book holds. Whatever is in its files, what is wrong is named."""
        heads: list[AuditHead] = []
        faults: list[str] = []
        try:
            known = {kept.certificate.fingerprint: kept.certificate for kept in self._keys.certificates()}
        except (KeyProblem, OSError) as error:
            return Noted((), (f"the certificates of {self.path} can't be read: {error}",))
        previous, verified = "", _NONE
        for path in self._files():
            try:
                lines = path.read_bytes().splitlines()
            except OSError as error:
                faults.append(f"{path} can't be read: {error.strerror}")
                continue
            for number, line in enumerate(lines, 1):
                wrong = _wrong(line, previous, known)
                previous = hashlib.sha256(line).hexdigest()
                if wrong is None:
                    said = json.loads(line)
                    heads.append(AuditHead.parse(said["head"]))
                    if (compared := _COMPARED.fullmatch(str(said["why"]))) is not None:
                        verified = _NONE if compared[1] and not compared[2] else heads[-1]
                else:
                    faults.append(f"{path}, line {number}: {wrong}")
        return Noted(tuple(heads), tuple(faults[:_MOST_FAULTS]), verified)


def _encode(line: dict[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _digest(line: dict[str, Any]) -> bytes:
    return hashlib.sha256(_encode({name: value for name, value in line.items() if name != "signature"})).digest()


def _mend(path: Path) -> bytes:
    """What ends a half line."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return b""
        file.seek(-1, os.SEEK_END)
        return b"" if file.read(1) == b"\n" else b"\n"


def _wrong(line: bytes, previous: str, known: dict[str, Certificate]) -> str | None:
    """What is wrong with a line; None if nothing is."""
    try:
        found = json.loads(line)
        if not isinstance(found, dict) or set(found) != _MEMBERS:
            return "it is no line of this book"
        AuditHead.parse(found["head"])
        signature = base64.b64decode(found["signature"], validate=True)
        certificate = known.get(found["certificate_sha256"])
        # Texts that JSON can hold and UTF-8 can't have no digest.
        digest = _digest(found)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return "it is no line of this book"
    if certificate is None:
        return "it is signed with a key that is none of this server's"
    if not certificate.verifies(digest, signature):
        return "its signature is not that of its text"
    if found["previous"] != previous:
        return "the line before it is not the one that it followed"
    return None
