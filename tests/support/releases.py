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
# The last commit with the schema that a release's archive in ``tests/storage/upgrade/released`` has.
_COMMITS: Final = {"0.1.0": "33fa697d570eff568e7859ba39e2e152c3b2329e"}
PYTHON_OF_RELEASE: Final = "import sys; sys.path.insert(0, sys.argv.pop(1)); from nvr.cli import main; main()"


def release_tree(version: str, folder: Path) -> Path | None:
    """The sources of a released version. None: this is no checkout with its history."""
    commit = _COMMITS[version]
    found = subprocess.run(["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=_TOP, capture_output=True)
    if found.returncode:
        return None
    tree = folder / f"release-{version}"
    tree.mkdir()
    packed = subprocess.run(["git", "archive", commit, "nvr", "storage"], cwd=_TOP, capture_output=True, check=True)
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
