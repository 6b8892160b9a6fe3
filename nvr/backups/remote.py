"""Backups in a store that speaks S3, beside those in the folder.

The same files under ``<prefix>/<name of the backup>/``. Invariant: a backup is there once its manifest is, which goes
last and is removed first; what is fetched is checked by it like any other.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nvr.backups.sets import MANIFEST, BackupError, BackupSet, is_set_name, read_manifest

__all__ = ["RemoteBackups", "RemotePlace"]

_SCHEME: Final = "s3://"
_PART_BYTES: Final = 8 << 20
_PATIENCE: Final = "60s"
_LONGEST_ERROR: Final = 300


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """Where: ``url`` is s3://bucket/prefix. ``endpoint``: of a store that is not Amazon's. Without ``access_key`` the
    environment's are used (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), or the machine's role."""

    url: str
    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = None


@contextmanager
def _told(place: RemotePlace) -> Iterator[None]:
    from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError

    try:
        yield
    except (NotFoundError, FileNotFoundError):
        raise BackupError(f"{place.url}: there is no such backup") from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise BackupError(f"{place.url}: the store refuses these keys") from None
    except (BaseError, OSError) as error:
        if "NoSuchBucket" in str(error):
            raise BackupError(f"{place.url}: there is no such bucket") from None
        # Its text has the whole conversation in it.
        line = next(filter(None, (line.strip() for line in str(error).splitlines())), type(error).__name__)
        raise BackupError(f"{place.url}: {line[:_LONGEST_ERROR]}") from None


class RemoteBackups:
    """The backups at a place."""

    def __init__(self, place: RemotePlace) -> None:
        """Asks nobody yet.

        Raises:
            BackupError: the place is none, or what speaks S3 is not installed.
        """
        try:
            from obstore.store import S3Store
        except ModuleNotFoundError:
            raise BackupError("S3 needs the package obstore: pip install 'nvr[s3]'") from None
        bucket, _, prefix = place.url.removeprefix(_SCHEME).partition("/")
        if not place.url.startswith(_SCHEME) or not bucket:
            raise BackupError(f"{place.url} is no place for backups: write it as s3://bucket/prefix")
        given: dict[str, Any] = {
            "endpoint": place.endpoint,
            "region": place.region or "us-east-1",
            "access_key_id": place.access_key,
            "secret_access_key": place.secret_key,
        }
        self.place = place
        with _told(place):
            self._store = S3Store(
                bucket,
                prefix=prefix.strip("/") or None,
                client_options={"allow_http": (place.endpoint or "").startswith("http://"), "timeout": _PATIENCE},
                **{key: value for key, value in given.items() if value is not None},
            )

    def names(self) -> list[str]:
        """The backups that are whole there, the oldest first.

        Raises:
            BackupError: the store can't be asked.
        """
        import obstore

        found = []
        with _told(self.place):
            for page in obstore.list(self._store):
                for each in page:
                    name, _, file = each["path"].rpartition("/")
                    if file == MANIFEST and is_set_name(name):
                        found.append(name)
        return sorted(found)

    def put(self, made: BackupSet) -> int:
        """Copies a backup there; returns its bytes.

        Raises:
            BackupError: it can't be copied, or is not whole here.
        """
        import obstore

        total, name = 0, made.path.name
        files = [*read_manifest(made.path).files, MANIFEST]
        with _told(self.place):
            for file in files:
                path = made.path / file
                total += path.stat().st_size
                obstore.put(self._store, f"{name}/{file}", path, chunk_size=_PART_BYTES)
        return total

    def fetch(self, name: str, folder: Path) -> Path:
        """Copies a backup from there into the folder; ``latest`` is the last one. Whether it is whole, whoever restores
        it looks.

        Raises:
            BackupError: there is no such backup, or it can't be copied.
        """
        import obstore

        if name == "latest":
            found = self.names()
            if not found:
                raise BackupError(f"{self.place.url}: there is no backup")
            name = found[-1]
        if not is_set_name(name):
            raise BackupError(f"{name} is no name of a backup")
        path = folder / name
        try:
            path.mkdir(mode=0o700)
            with _told(self.place):
                self._one(obstore, name, MANIFEST, path)
                # Before its names are believed.
                for file in read_manifest(path).files:
                    self._one(obstore, name, file, path)
        except OSError as error:
            raise BackupError(f"{path}: {error.strerror}") from error
        except BackupError:
            shutil.rmtree(path, ignore_errors=True)
            raise
        return path

    def _one(self, obstore: Any, name: str, file: str, path: Path) -> None:
        answer = obstore.get(self._store, f"{name}/{file}")
        (path / file).touch(mode=0o600)
        with (path / file).open("wb") as out:
            for chunk in answer.stream(min_chunk_size=1 << 20):
                out.write(chunk)

    def prune(self, keep: int) -> list[str]:
        """Removes all but the last ``keep``; returns which.

        Raises:
            BackupError: one can't be removed.
        """
        import obstore

        old = self.names()[:-keep]
        with _told(self.place):
            for name in old:
                # Without its manifest it is none.
                obstore.delete(self._store, f"{name}/{MANIFEST}")
                rest = [each["path"] for page in obstore.list(self._store, prefix=name) for each in page]
                if rest:
                    obstore.delete(self._store, rest)
        return old
