"""Who may import whom, by the table in docs/design/architecture.md. Reads the sources; imports nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent

# Package or module to the packages of ours it may import, besides itself. The longest name that fits a module counts.
ALLOWED: dict[str, frozenset[str]] = {
    "storage": frozenset(),
    "nvr": frozenset(),
    "nvr.compiled": frozenset(),
    "nvr.core_dumps": frozenset(),
    "nvr.config": frozenset({"storage"}),
    "nvr.log": frozenset({"storage", "nvr.config"}),
    "nvr.accounts": frozenset({"storage"}),
    "nvr.recorder": frozenset({"storage", "nvr.compiled", "nvr.config", "nvr.core_dumps", "nvr.log"}),
    "nvr.alerting": frozenset({"storage", "nvr.config", "nvr.texts"}),
    "nvr.accounting": frozenset({"storage", "nvr.alerting", "nvr.config", "nvr.core_dumps", "nvr.log"}),
    "nvr.camera_csv": frozenset({"storage", "nvr.config", "nvr.texts"}),
    "nvr.playback": frozenset({"storage"}),
    "nvr.texts": frozenset({"storage"}),
    "nvr.documents": frozenset(),
    "nvr.reports": frozenset({"storage", "nvr.texts", "nvr.documents"}),
    "nvr.evidence": frozenset({"storage", "nvr.playback", "nvr.texts", "nvr.config", "nvr.core_dumps", "nvr.log"}),
    "nvr.api": frozenset(
        {
            "storage",
            "nvr.accounts",
            "nvr.alerting",
            "nvr.camera_csv",
            "nvr.config",
            "nvr.core_dumps",
            "nvr.evidence",
            "nvr.log",
            "nvr.playback",
            "nvr.reports",
            "nvr.texts",
        }
    ),
    "nvr.demo": frozenset(),
    "nvr.supervisor": frozenset({"storage", "nvr"}),
    "nvr.cli": frozenset({"storage", "nvr"}),
}
# What storage must not know, nor what it would draw in: media and HTTP.
FOREIGN_TO_STORAGE = {"av", "litestar", "uvicorn", "pydantic", "click"}


def sources() -> list[Path]:
    return sorted(
        path for top in ("nvr", "storage") for path in (TOP / top).rglob("*.py") if "node_modules" not in path.parts
    )


def module_of(path: Path) -> str:
    parts = path.relative_to(TOP).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything the module imports, wherever in it: a lazy import is one too."""
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).rstrip(".")
            # "from nvr import supervisor" may import a module, and "from nvr import __version__" does not.
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def owner(module: str) -> str:
    """The row of the table that holds for the module."""
    rows = [row for row in ALLOWED if within(module, row)]
    return max(rows, key=len)


def forbidden(module: str, imported: str) -> bool:
    if not within(imported, "nvr") and not within(imported, "storage"):
        return owner(module) == "storage" and imported.partition(".")[0] in FOREIGN_TO_STORAGE
    row, target = owner(module), owner(imported)
    if target == row or (target == "nvr" and row != "storage"):
        return False
    return not any(within(target, allowed) for allowed in ALLOWED[row])


def test_directions() -> None:
    wrong = [
        f"{path.relative_to(TOP)}:{line} imports {name}"
        for path in sources()
        for line, name in imports(path)
        if forbidden(module_of(path), name)
    ]
    assert wrong == []


def test_every_package_has_a_row() -> None:
    packages = {
        module_of(path) for path in sources() if path.parent == TOP / "nvr" or path.parent.parent == TOP / "nvr"
    }
    rows = {".".join(name.split(".")[:2]) for name in packages}
    assert rows <= set(ALLOWED), f"not in the table: {sorted(rows - set(ALLOWED))}"


@pytest.mark.parametrize(
    ("module", "imported", "expected"),
    [
        ("storage.runs", "nvr.config", True),
        ("storage.runs", "nvr.__version__", True),
        ("storage.runs", "av.open", True),
        ("storage.runs", "storage.layout", False),
        ("nvr.api.app", "nvr.playback.clip", False),
        ("nvr.api.app", "nvr.recorder.worker", True),
        ("nvr.recorder.worker", "nvr.accounting", True),
        ("nvr.playback.clip", "nvr.config.load", True),
        ("nvr.playback.clip", "nvr.__version__", False),
        ("nvr.config.load", "nvr.cli", True),
        ("nvr.cli.serve", "nvr.supervisor", False),
        ("nvr.supervisor", "nvr.api", False),
        ("nvr.recorder.worker", "av", False),
    ],
)
def test_the_rule_itself(module: str, imported: str, expected: bool) -> None:
    assert forbidden(module, imported) is expected
