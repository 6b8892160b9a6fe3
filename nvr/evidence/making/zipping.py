"""A package's folder made one ZIP, which is verified before the folder goes."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

from nvr.evidence.making.package import Package
from nvr.evidence.package.archive import PackageArchive
from nvr.evidence.seal.errors import WronglyWritten
from nvr.evidence.verify import verify
from storage.disk.files import FILES
from storage.sentences import Sentence

__all__ = ["to_archive"]


def to_archive(package: Package) -> Package:
    """Turns the package's folder into a ZIP beside it, which only its maker can read.

    Raises:
        WronglyWritten: what was read back is not what was written.
        OSError: the disk does not take it.
    """
    path = package.path.with_name(f"{package.path.name}.zip")
    new = path.with_name(f"{path.name}.part")
    archive = PackageArchive(package.path, package.path.name, package.entries)
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            for block in archive.blocks():
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        report = verify(new)
        if report.outcome != "valid":
            raise WronglyWritten(
                Sentence(
                    "the ZIP, read back, is {outcome}: the folder {path} is good",
                    outcome=str(report.outcome),
                    path=str(package.path),
                )
            )
        new.rename(path)
        FILES.sync_folder(path.parent)
    finally:
        archive.close()
        new.unlink(missing_ok=True)
    shutil.rmtree(package.path)
    return replace(package, path=path)
