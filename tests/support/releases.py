"""Servers of released versions, from the history of the repository: their sources, run as they were."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.server import Server

__all__ = ["PYTHON_OF_RELEASE", "ReleasedServer", "release_tree"]

_TOP: Final = Path(__file__).parent.parent.parent
PYTHON_OF_RELEASE: Final = "import sys; sys.path.insert(0, sys.argv.pop(1)); from nvr.cli import main; main()"


def release_tree(version: str, folder: Path) -> Path | None:
    """The sources of a released version: those of the commit that added its archive to ``released``. None: this is no
    checkout with its history."""
    archive = f"tests/storage/upgrade/released/{version}.tar.xz"
    find = ["git", "log", "--diff-filter=A", "--format=%H", "-1", "--", archive]
    found = subprocess.run(find, cwd=_TOP, capture_output=True, text=True)
    if found.returncode or not found.stdout.strip():
        return None
    tree = folder / f"release-{version}"
    tree.mkdir()
    packed = subprocess.run(
        ["git", "archive", found.stdout.strip(), "nvr", "storage"], cwd=_TOP, capture_output=True, check=True
    )
    subprocess.run(["tar", "-x", "-C", tree], input=packed.stdout, check=True)
    return tree


class ReleasedServer(Server):
    """A server of another version, in the folder and with the configuration of one of this."""

    def run_as(self, tree: Path) -> None:
        """Starts it from its sources."""
        # Its children look there first.
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PYTHON_OF_RELEASE, tree, "serve", "--config", self.config],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
                cwd=self.folder,
            )
        Server.started.append(self)
