"""Puts the extension into the wheel where cargo is: whoever installs that one compiles nothing. Without cargo the wheel
has no machine code, and recording does without."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ExtensionHook(BuildHookInterface):  # type: ignore[misc]
    """Called by hatchling."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before a wheel is made; an editable installation builds for itself (``make setup``)."""
        crate = Path(self.root) / "packets"
        if version == "editable" or shutil.which("cargo") is None or not crate.is_dir():
            return
        made = subprocess.run(
            [sys.executable, "-m", "nvr.extension"], cwd=self.root, check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
        build_data["force_include"][str(Path(made, "nvr_packets.abi3.so"))] = "nvr/nvr_packets.abi3.so"
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"cp311-abi3-{platform}"
