"""How tests wait, and what they reach for: counted, so that neither grows by accident; and how wide lines are of what
ruff does not read.

A sleep is there for a reason, which stands beside it (``# sleep: why``); what happens at some time is waited for by
``tests.support.waiting``. A test uses what the product offers to others; what it reaches for besides (``_name``)
breaks with each change that is none.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
TOP = TESTS.parent
# Benches run for a time: that is what they measure. The fuzzer is no test.
_NOT_TESTS = ("bench", "fuzz")
# What they are now. Whoever removes some lowers the number.
MOST_SLEEPS = 67
MOST_PRIVATE = 129
MOST_LONG_LINES = 12
# Reading all of them as Python takes long.
_PERHAPS_PRIVATE = re.compile(
    r"(?<!self)(?<!cls)\._[a-zA-Z]|import [^\n]*\b_[a-zA-Z]|^    _\w+,$|setattr\(.*_", re.MULTILINE
)
_NOT_OURS = {"_getframe", "_exit", "_MEIPASS", "_replace", "_asdict", "_fields"}


@cache
def _sources() -> dict[Path, str]:
    paths = [path.relative_to(TESTS) for path in sorted(TESTS.rglob("*.py"))]
    return {path: (TESTS / path).read_text(encoding="utf-8") for path in paths if path.parts[0] not in _NOT_TESTS}


def _not_python() -> Iterator[Path]:
    """Sources in other languages, but for what is made."""
    web, packets = TOP / "nvr/web", TOP / "packets"
    for folder in (web / "src", packets / "src", packets / "tests"):
        yield from (path for path in folder.rglob("*") if path.suffix in (".ts", ".tsx", ".css", ".rs"))
    yield from web.glob("*.ts")


def test_no_line_is_longer_than_120_columns() -> None:
    """Prettier and rustfmt break code, not comments and texts."""
    made = TOP / "nvr/web/src/shared/api/schema.ts"
    long = [
        f"{path.relative_to(TOP)}:{number}"
        for path in _not_python()
        if path != made
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 120
    ]
    assert len(long) <= MOST_LONG_LINES, long


def _last(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _sleeps(tree: ast.AST) -> Iterator[int]:
    """Lines of calls of any ``sleep`` but ``sleep(0)``, which is a turn of the event loop."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last(node.func) == "sleep":
            is_turn = bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
            if not is_turn:
                yield node.end_lineno or node.lineno


def test_a_sleep_has_its_reason() -> None:
    without, count = [], 0
    for path, text in _sources().items():
        lines = text.splitlines()
        for line in _sleeps(ast.parse(text)) if "sleep(" in text else ():
            count += 1
            if not re.search(r"# sleep: \w+", lines[line - 1]):
                without.append(f"tests/{path}:{line}")
    assert not without, f"wait with tests.support.waiting.until, or say why not (# sleep: why): {without}"
    assert count <= MOST_SLEEPS, f"{count} sleeps: wait for what happens (tests.support.waiting.until)"


def _is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _named(tree: ast.Module) -> Iterator[str]:
    """What a file names itself: functions, classes, variables, attributes of ``self``."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_own(node.value):
            yield node.attr


def _private(tree: ast.Module) -> Iterator[str]:
    """Private names of others that are imported, patched or used."""
    own = {*_named(tree), *_NOT_OURS}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Attribute) and not _is_own(node.value):
            names = [node.attr]
        elif isinstance(node, ast.Call) and _last(node.func) == "setattr":
            names = [str(one.value).rpartition(".")[2] for one in node.args[:2] if isinstance(one, ast.Constant)]
        yield from (name for name in names if re.fullmatch(r"_[a-zA-Z]\w*", name) and name not in own)


def test_tests_use_what_is_public() -> None:
    by_file: Counter[str] = Counter()
    for path, text in _sources().items():
        if _PERHAPS_PRIVATE.search(text):
            by_file[f"tests/{path}"] = len(list(_private(ast.parse(text))))
    total = by_file.total()
    assert total <= MOST_PRIVATE, f"{total} uses of private names; most of them in {by_file.most_common(5)}"


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").startswith("tests."):
            yield str(node.module)


def test_what_tests_share_is_where_they_look_for_it() -> None:
    """Also in what runs at night only."""
    missing = set()
    for path in sorted(TESTS.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for name in _imports(ast.parse(text)) if "tests." in text else ():
            place = TESTS.parent.joinpath(*name.split("."))
            if not place.is_dir() and not place.with_suffix(".py").exists():
                missing.add(f"{path.relative_to(TESTS.parent)}: {name}")
    assert not missing
