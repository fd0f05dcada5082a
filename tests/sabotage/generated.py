"""Mutants that nobody chose: every comparison turned round, every condition dropped, every number one off.

Of those of a file a few are kept, spread evenly over it, so that a run takes minutes; `SABOTAGE_MOST=1000` keeps all.
"""

from __future__ import annotations

import ast
import os
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from tests.sabotage.targets import TARGETS

PACKAGE: Final = Path(__file__).parents[2] / "src" / "todo"
MOST: Final = int(os.environ.get("SABOTAGE_MOST", "8"))
"""Mutants of each file."""

_OPPOSITES: Final[dict[type[ast.cmpop], tuple[str, str]]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}


class Change(NamedTuple):
    """Bytes of a file, and what takes their place."""

    start: int
    end: int
    new: bytes


class Generated(NamedTuple):
    """One change of one file, named by the place and what it does."""

    name: str
    file: str
    change: Change
    tests: tuple[str, ...]

    def apply(self, package: Path) -> None:
        """Change the package that lies there."""
        path = package / self.file
        source = path.read_bytes()
        path.write_bytes(source[: self.change.start] + self.change.new + source[self.change.end :])


def generated(most: int = MOST) -> list[Generated]:
    """At most so many of each file, always the same ones of the same source."""
    return [mutant for file, tests in TARGETS.items() for mutant in _spread(_of(file, tests), most)]


def _spread(mutants: list[Generated], most: int) -> list[Generated]:
    count = min(most, len(mutants))
    return [mutants[number * len(mutants) // count] for number in range(count)]


def _of(file: str, tests: tuple[str, ...]) -> list[Generated]:
    source = (PACKAGE / file).read_bytes()
    found: dict[str, Generated] = {}
    for place, change in _Finder(source).found():
        name = f"{file} {place}"
        number = 2
        while (known := name if number == 2 else f"{name} #{number - 1}") in found:
            number += 1
        found[known] = Generated(known, file, change, tests)
    return list(found.values())


class _Finder(ast.NodeVisitor):
    """Finds what can be changed in the functions of a module, in the order in which it stands there."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._place: list[str] = []
        self._in_function = False
        self._found: list[tuple[str, Change]] = []

    def found(self) -> list[tuple[str, Change]]:
        self.visit(ast.parse(self._source))
        return sorted(self._found, key=lambda one: one[1])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._place.append(node.name)
        for part in node.body:
            self.visit(part)
        self._place.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._place.append(node.name)
        before, self._in_function = self._in_function, True
        for part in node.body:
            self.visit(part)
        self._in_function = before
        self._place.pop()

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Texts for people are not held to a word."""

    def visit_Compare(self, node: ast.Compare) -> None:
        for (left, right), operator in zip(pairwise([node.left, *node.comparators]), node.ops, strict=True):
            self._swap(node, (self._end(left), self._start(right)), *_OPPOSITES[type(operator)])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in pairwise(node.values):
            words = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            self._swap(node, (self._end(left), self._start(right)), *words)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._swap(node, (self._start(node), self._start(node.operand)), "not", "")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        signs: dict[type[ast.operator], tuple[str, str]] = {ast.Add: ("+", "-"), ast.Sub: ("-", "+")}
        if sign := signs.get(type(node.op)):
            self._swap(node, (self._end(node.left), self._start(node.right)), *sign)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._note(node, self._start(node), self._end(node), str(not node.value))
        elif isinstance(node.value, int):
            self._note(node, self._start(node), self._end(node), str(node.value + 1))

    def visit_Call(self, node: ast.Call) -> None:
        """Conditions of statements are dropped one by one."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "where" and len(node.args) > 1:
            for number, argument in enumerate(node.args):
                if number:
                    self._note(argument, self._end(node.args[number - 1]), self._end(argument), "")
                else:
                    self._note(argument, self._start(argument), self._start(node.args[1]), "")
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name | ast.Attribute | ast.Call | ast.Await):
            self._note(node.test, self._start(node.test), self._start(node.test), "not ")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Await) or (isinstance(node.value, ast.Call) and self._in_function):
            self._note(node, self._start(node), self._end(node), "pass")
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._note(node, self._start(node), self._end(node), "pass")

    def _swap(self, node: ast.expr, between: tuple[int, int], old: str, new: str) -> None:
        start, end = between
        start += self._source[start:end].index(old.encode())
        self._note(node, start, start + len(old), new)

    def _note(self, node: ast.expr | ast.stmt, start: int, end: int, new: str) -> None:
        if self._in_function:
            told = ast.unparse(node).replace("\n", " ")[:70]
            old = self._source[start:end].decode()
            what = f"{told}: {old} -> {new}" if old and new and len(old) < 8 else f"{told}: {new or 'nothing'}"
            self._found.append((f"{'.'.join(self._place)}: {what}", Change(start, end, new.encode())))

    def _start(self, node: ast.expr | ast.stmt) -> int:
        return self._lines[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno
        assert node.end_col_offset is not None
        return self._lines[node.end_lineno - 1] + node.end_col_offset
