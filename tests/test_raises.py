"""Who calls a public function reads in its docstring what it raises."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parent.parent
# Their docstrings are for people: the page of routes and ``--help`` tell errors in their own way.
_FOR_PEOPLE = {"get", "post", "put", "patch", "delete", "head", "route", "command"}
# Those that only a fault of ours raises.
_OURS = {"AssertionError", "NotImplementedError"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _name(expression: ast.expr) -> str:
    """The last word of what is raised or caught, without its arguments."""
    if isinstance(expression, ast.Call):
        expression = expression.func
    return expression.attr if isinstance(expression, ast.Attribute) else ast.unparse(expression)


def _caught(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return set()
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {_name(one) for one in types}


def _raised(node: ast.AST, caught: frozenset[str] = frozenset()) -> Iterator[str]:
    """The errors that leave a function by a ``raise`` of its own: not those of functions in it, nor those that it
    handles itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(child, ast.Raise) and child.exc is not None:
            name = _name(child.exc)
            # A variable is an error that somebody else raised.
            if not (isinstance(child.exc, ast.Name) and name.islower()) and name not in caught | _OURS:
                yield name
        if isinstance(child, ast.Try):
            inside = caught.union(*map(_caught, child.handlers)) if child.handlers else caught
            for statement in child.body:
                yield from _raised(ast.Module([statement], []), frozenset(inside))
            for rest in (*child.handlers, *child.orelse, *child.finalbody):
                yield from _raised(ast.Module([rest], []) if isinstance(rest, ast.stmt) else rest, caught)
        else:
            yield from _raised(child, caught)


def _functions(node: ast.AST, told: str = "") -> Iterator[tuple[Function, str]]:
    """The public functions, and those of public classes, with the docstring that tells of each: a constructor's may be
    its class's."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from _functions(child, ast.get_docstring(child) or "")
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            own = ast.get_docstring(child) or ""
            if child.name == "__init__":
                yield child, f"{told} {own}"
            elif not child.name.startswith("_"):
                yield child, own


def _lacking(source: str) -> Iterator[str]:
    for function, told in _functions(ast.parse(source)):
        if any(_name(decorator) in _FOR_PEOPLE for decorator in function.decorator_list):
            continue
        raised = sorted(set(_raised(function)))
        if raised and "raise" not in told.lower():
            yield f"{function.lineno} {function.name}: {', '.join(raised)}"


def test_what_is_raised_is_said() -> None:
    files = sorted(path for top in ("nvr", "storage") for path in (TOP / top).rglob("*.py"))
    lacking = [f"{path.relative_to(TOP)}:{one}" for path in files for one in _lacking(path.read_text())]
    assert files and not lacking, "\n".join(["docstrings that do not say what is raised:", *lacking])


def test_only_what_leaves_a_public_function_counts() -> None:
    source = """
def silent():
    raise ValueError("a")
def told():
    '''Raises ValueError.'''
    raise ValueError("a")
def handled():
    try:
        raise KeyError("a")
    except KeyError:
        pass
def anew():
    try:
        raise KeyError("a")
    except KeyError:
        raise errors.OtherError("b") from None
def again(error):
    raise error
def _private():
    raise ValueError("a")
class Thing:
    '''Raises ValueError.'''
    def __init__(self):
        raise ValueError("a")
    def act(self):
        raise ValueError("a")
"""
    assert list(_lacking(source)) == ["2 silent: ValueError", "12 anew: OtherError", "25 act: ValueError"]
