"""Part of building a wheel or an sdist: the page goes along, and without it nothing is built; a wheel has the extension
too, where cargo is (``packets/hatch_build.py``).

Invariant: what was built serves the page, and does not speak of building it. An editable installation, which runs from
the checkout, needs none.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = "nvr/web/dist"
NOT_BUILT = (
    f"The page is not built: there is no {PAGE}/index.html, and a package without it would have no page.\n"
    "Run make wheel, which builds the page first; without make: cd nvr/web && npm ci && npm run build"
)


class PageHook(BuildHookInterface):
    """Puts ``nvr/web/dist`` into what is built; git does not know it, so hatchling would leave it out."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it builds.

        Raises:
            SystemExit: the page is not built.
        """
        if version == "editable":
            return
        page = Path(self.root, PAGE)
        if not (page / "index.html").is_file():
            raise SystemExit(NOT_BUILT)
        build_data["force_include"][str(page)] = PAGE
        if self.target_name == "wheel":
            self._add_extension(version, build_data)

    def _add_extension(self, version: str, build_data: dict[str, Any]) -> None:
        """hatchling knows one hook of this kind for a target."""
        spec = importlib.util.spec_from_file_location("extension_hook", Path(self.root, "packets/hatch_build.py"))
        if spec is None or spec.loader is None or not Path(self.root, "packets/hatch_build.py").is_file():
            return
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        hook = module.ExtensionHook(
            self.root, self.config, self.build_config, self.metadata, self.directory, self.target_name, self.app
        )
        hook.initialize(version, build_data)
