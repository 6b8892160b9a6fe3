"""Finds where compiled code would fail and interpreted code would not: an attribute that was checked for None, and is
checked again behind a call.

mypy holds it to be what it was at the first check, whatever the call did; mypyc believes that, converts what it reads
to that type, and raises ``TypeError`` where it has become None meanwhile. Interpreted, the second check would see it.
Read it by a call (``self._growing()``), or into a name once.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

__all__ = ["optional_attributes", "rechecked"]

# The attributes that are not None here, by their path; whether anything was called since that was known.
Known = dict[str, bool]


def optional_attributes(trees: Iterable[ast.AST]) -> set[str]:
    """The names of attributes that may be None by an annotation anywhere, and nowhere may not."""
    annotated = [
        (path.rpartition(".")[2], "None" in ast.unparse(node.annotation))
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and (path := _path(node.target)) is not None
    ]
    return {name for name, optional in annotated if optional} - {name for name, optional in annotated if not optional}


def rechecked(tree: ast.AST, optional: set[str]) -> Iterator[tuple[int, str]]:
    """(line, attribute) of each second check in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            walk = _Walk(optional)
            walk.block(node.body, {})
            yield from sorted(walk.found)


def _path(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _path(node.value)
        return None if before is None else f"{before}.{node.attr}"
    return None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


class _Walk:
    """Of one function: what is known where, and what was found."""

    def __init__(self, optional: set[str]) -> None:
        self._optional = optional
        self._made: set[str] = set()  # names that are what a class's call returned
        self.found: set[tuple[int, str]] = set()

    def _attribute(self, node: ast.expr) -> str | None:
        path = _path(node) if isinstance(node, ast.Attribute) else None
        return path if path is not None and path.rpartition(".")[2] in self._optional else None

    def _proven(self, test: ast.expr, truth: bool) -> set[str]:
        """What is not None if a test came out so."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self._proven(test.operand, not truth)
        if isinstance(test, ast.BoolOp):
            parts = [self._proven(value, truth) for value in test.values]
            return set().union(*parts) if isinstance(test.op, ast.And) == truth else set()
        if isinstance(test, ast.Compare):
            is_none = len(test.ops) == 1 and _is_none(test.comparators[0])
            path = self._attribute(test.left) if is_none and isinstance(test.ops[0], ast.Is | ast.IsNot) else None
            return {path} if path is not None and isinstance(test.ops[0], ast.IsNot) == truth else set()
        path = self._attribute(test)
        return {path} if path is not None and truth else set()

    def _check(self, test: ast.expr, known: Known) -> None:
        asked = [test]
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            asked = [test.operand]
        elif isinstance(test, ast.Compare) and all(isinstance(op, ast.Is | ast.IsNot) for op in test.ops):
            asked = [test.left, *test.comparators]
        for node in asked:
            path = self._attribute(node)
            if path is not None and known.get(path):
                self.found.add((node.lineno, path))

    def expression(self, node: ast.AST, known: Known) -> None:
        """Goes through an expression in about the order of its evaluation."""
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, ast.BoolOp):
            inner = dict(known)
            for value in node.values:
                self._check(value, inner)
                self.expression(value, inner)
                for path in self._proven(value, isinstance(node.op, ast.And)):
                    inner.setdefault(path, False)
            known.update({path: inner[path] for path in known})
            return
        if isinstance(node, ast.Compare):
            self._check(node, known)
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.expr_context):
                self.expression(child, known)
        if isinstance(node, ast.Call | ast.Await | ast.Yield | ast.YieldFrom):
            known.update(dict.fromkeys(known, True))

    def block(self, body: list[ast.stmt], known: Known) -> bool:
        """Goes through statements; whether they never end behind the last one."""
        return any(self._statement(statement, known) for statement in body)

    def _branch(self, body: list[ast.stmt], known: Known, proven: set[str]) -> tuple[Known, bool]:
        inner = {**known, **dict.fromkeys(proven, False)}
        return inner, self.block(body, inner)

    @staticmethod
    def _join(known: Known, branches: list[tuple[Known, bool]]) -> bool:
        """What is known behind branches, of which some leave."""
        live = [inner for inner, leaves in branches if not leaves]
        known.clear()
        if live:
            known.update({path: any(inner[path] for inner in live) for path in set.intersection(*map(set, live))})
        return not live

    def _set(self, target: ast.expr, value: ast.expr | None, known: Known) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            values = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) else []
            for number, part in enumerate(target.elts):
                self._set(part, values[number] if values else None, known)
            return
        path = _path(target)
        if path is None:
            return
        for other in [other for other in known if other == path or other.startswith(f"{path}.")]:
            del known[other]
        name = _path(value.func) if isinstance(value, ast.Call) else None
        is_made = name is not None and name.rpartition(".")[2][:1].isupper()
        is_made |= isinstance(value, ast.Name) and value.id in self._made
        if isinstance(target, ast.Name):
            (self._made.add if is_made else self._made.discard)(path)
        elif is_made and self._attribute(target) is not None:
            known[path] = False

    def _loop(self, target: ast.expr | None, body: list[ast.stmt], known: Known, proven: set[str]) -> None:
        """Twice, since its end goes on at its beginning."""
        inner = dict(known)
        for _ in range(2):
            if target is not None:
                self._set(target, None, inner)
            inner = {**inner, **dict.fromkeys(proven, False)}
            self.block(body, inner)
        for path in list(known):
            if path in inner:
                known[path] |= inner[path]
            else:
                del known[path]

    def _statement(self, node: ast.stmt, known: Known) -> bool:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return False
            case ast.Continue() | ast.Break():
                return True
            case ast.If():
                self._check(node.test, known)
                self.expression(node.test, known)
                branches = ((node.body, True), (node.orelse, False))
                return self._join(
                    known, [self._branch(body, known, self._proven(node.test, truth)) for body, truth in branches]
                )
            case ast.While():
                self._check(node.test, known)
                self.expression(node.test, known)
                self._loop(None, node.body, known, self._proven(node.test, True))
                self.block(node.orelse, known)
            case ast.For() | ast.AsyncFor():
                self.expression(node.iter, known)
                self._loop(node.target, node.body, known, set())
                self.block(node.orelse, known)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self.expression(item.context_expr, known)
                known.update(dict.fromkeys(known, True))
                return self.block(node.body, known)
            case ast.Try():
                before = dict(known)
                leaves = self.block([*node.body, *node.orelse], known)
                branches_ = [(dict(known), leaves)]
                anywhere = dict.fromkeys(before, True)
                branches_ += [self._branch(handler.body, anywhere, set()) for handler in node.handlers]
                leaves = self._join(known, branches_)
                return self.block(node.finalbody, known) or leaves
            case ast.Assert():
                self._check(node.test, known)
                self.expression(node.test, known)
                known.update(dict.fromkeys(self._proven(node.test, True), False))
            case ast.Assign():
                self.expression(node.value, known)
                for target in node.targets:
                    self._set(target, node.value, known)
            case ast.AnnAssign() | ast.AugAssign():
                if node.value is not None:
                    self.expression(node.value, known)
                self._set(node.target, node.value, known)
            case _:
                self.expression(node, known)
        return isinstance(node, ast.Return | ast.Raise)
