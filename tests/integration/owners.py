"""Reading SQL: does a statement say, for each table that is spread by owner, whose rows it is about?

A table is settled if its owner's column must equal a parameter that holds the owner: at once, or by way of other
columns that must, in the same query, around it, or in the query of a `WITH` that a column comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pglast
from pglast.enums import A_Expr_Kind, BoolExprType, JoinType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ast: Any = pglast.ast  # whose types say of every part that it may be missing

_OWNERS = {"owner", "user_id"}
_OWNERS_OF_USERS = {*_OWNERS, "id"}
_PASSED_ON = "set_config"  # returns its second argument

Term = tuple[str, str]  # a table or query by its name here, and a column; or ("$", name of a parameter)


@dataclass
class _Scope:
    """A query: what it reads from, and which columns it gives out hold the owner."""

    outer: _Scope | None
    queries: dict[str, set[str]] = field(default_factory=dict)
    """The columns with the owner, of each WITH and subquery."""
    settled: set[Term] = field(default_factory=set)

    def knows(self, name: str) -> set[str] | None:
        if name in self.queries:
            return self.queries[name]
        return self.outer.knows(name) if self.outer else None

    def holds_owner(self, term: Term | None) -> bool:
        if term is None:
            return False
        name, column = term
        return (
            term in self.settled
            or (name == "$" and column in _OWNERS)
            or column in (self.knows(name) or ())
            or bool(self.outer and self.outer.holds_owner(term))
        )


@dataclass
class _Sources:
    """What a query reads from."""

    tables: list[Any] = field(default_factory=list)
    subqueries: list[Any] = field(default_factory=list)
    conditions: list[Any] = field(default_factory=list)
    optional: list[tuple[Any, set[str]]] = field(default_factory=list)
    """The conditions of outer joins, which hold for the rows of these tables only."""

    def take_apart(self, sources: Sequence[Any], scope: _Scope) -> None:
        for source in sources:
            match source:
                case ast.RangeVar():
                    known = scope.knows(source.relname)
                    if known is None:
                        self.tables.append(source)
                    else:
                        scope.queries[_name(source)] = known
                case ast.RangeSubselect():
                    self.subqueries.append(source)
                case ast.JoinExpr():
                    self.take_apart([source.larg], scope)
                    right = _Sources()
                    right.take_apart([source.rarg], scope)
                    if source.jointype == JoinType.JOIN_INNER:
                        self.conditions += [source.quals] if source.quals else []
                    elif source.jointype == JoinType.JOIN_LEFT:
                        self.optional.append((source.quals, {_name(table) for table in right.tables}))
                    self.tables += right.tables
                    self.subqueries += right.subqueries
                    self.conditions += right.conditions
                    self.optional += right.optional


class _Reader:
    def __init__(self, parameters: Sequence[str], spread: Mapping[str, str]) -> None:
        self._parameters = parameters
        self._spread = spread
        self.is_led = True

    def read(self, query: Any, outer: _Scope | None = None) -> set[str]:
        """Look at a query, and return the names of the columns it gives out that hold the owner."""
        scope = _Scope(outer)
        for common in query.withClause.ctes if getattr(query, "withClause", None) else ():
            scope.queries[common.ctename] = self.read(common.ctequery, scope)
        sources = list(getattr(query, "fromClause", None) or getattr(query, "usingClause", None) or ())
        found = _Sources()
        if getattr(query, "relation", None) and not isinstance(query, ast.InsertStmt):
            found.tables.append(query.relation)
        found.take_apart(sources, scope)
        found.conditions += [query.whereClause] if getattr(query, "whereClause", None) else []
        self._settle(found, scope)
        for subquery in found.subqueries:
            scope.queries[subquery.alias.aliasname] = self.read(subquery.subquery, scope)
        self._settle(found, scope)
        tables = found.tables
        for table in tables:
            self._check(_name(table), table.relname, scope)
        for inner in _inner_queries(query, sources):
            self.read(inner, scope)
        if isinstance(query, ast.InsertStmt):
            self._check_insert(query, scope)
        given_out = getattr(query, "returningClause", None)
        listed = (
            given_out.exprs
            if given_out
            else getattr(query, "returningList", None) or getattr(query, "targetList", None)
        )
        return {_label(part) for part in listed or () if scope.holds_owner(self._term(part.val))}

    def _settle(self, found: _Sources, scope: _Scope) -> None:
        """Follow what must be equal from column to column, until nothing new comes of it."""
        users = {_name(table) for table in found.tables if table.relname == "users"}
        pairs: list[tuple[Any, Any, set[str] | None]] = [
            (left, right, None) for left, right in _equalities(found.conditions)
        ]
        pairs += [(left, right, names) for quals, names in found.optional for left, right in _equalities([quals])]
        terms: list[tuple[Term | None, Term | None, set[str] | None]] = [
            (self._term(left), self._term(right), names) for left, right, names in pairs
        ]
        terms += [(right, left, names) for left, right, names in terms]
        while True:
            more = {
                left
                for left, right, names in terms
                if left and left[0] != "$" and left not in scope.settled
                if (names is None or left[0] in names) and self._fixes(left, right, scope, users)
            }
            if not more:
                return
            scope.settled |= more

    def _fixes(self, left: Term, right: Term | None, scope: _Scope, users: set[str]) -> bool:
        by_id = right is not None and right[0] == "$" and right[1] in _OWNERS_OF_USERS
        return scope.holds_owner(right) or (by_id and left[0] in users and left[1] == self._spread["users"])

    def _check(self, name: str, table: str, scope: _Scope) -> None:
        if table in self._spread and (name, self._spread[table]) not in scope.settled:
            self.is_led = False

    def _check_insert(self, query: Any, scope: _Scope) -> None:
        table = query.relation.relname
        if table not in self._spread:
            return
        columns = [column.name for column in query.cols]
        place = columns.index(self._spread[table])
        source = query.selectStmt
        inner = _Scope(scope)
        value = source.valuesLists[0][place] if source.valuesLists else source.targetList[place].val
        if not inner.holds_owner(self._term(value)):
            self.is_led = False

    def _term(self, node: Any) -> Term | None:
        match node:
            case ast.ColumnRef(fields=(ast.String(sval=table), ast.String(sval=column))):
                return table, column
            case ast.ParamRef(number=number):
                return "$", self._parameters[number - 1]
            case ast.TypeCast(arg=inner) | ast.CollateClause(arg=inner):
                return self._term(inner)
            case ast.FuncCall(funcname=(ast.String(sval=name),), args=(_, value, _)) if name == _PASSED_ON:
                return self._term(value)
        return None


def is_owner_led(sql: str, parameters: Sequence[str], spread: Mapping[str, str]) -> bool:
    """Whether every row that the statement touches in these tables is under the owner in its parameters."""
    (raw,) = pglast.parse_sql(sql)
    reader = _Reader(parameters, spread)
    reader.read(raw.stmt)
    return reader.is_led


def _name(table: Any) -> str:
    return str(table.alias.aliasname if table.alias else table.relname)


def _label(part: Any) -> str:
    return str(part.name or (part.val.fields[-1].sval if isinstance(part.val, ast.ColumnRef) else ""))


def _equalities(conditions: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """What must be equal, whatever else is asked for."""
    for condition in conditions:
        match condition:
            case ast.BoolExpr(boolop=BoolExprType.AND_EXPR, args=parts):
                yield from _equalities(parts)
            case ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP, name=(ast.String(sval="="),), lexpr=left, rexpr=right):
                yield left, right


def _inner_queries(query: Any, sources: Sequence[Any]) -> Iterator[Any]:
    """The subqueries in expressions, and the query that an INSERT takes its rows from."""
    for slot in query:
        if slot not in {"withClause", "fromClause", "usingClause"}:
            yield from _queries(getattr(query, slot))
    for source in sources:
        if isinstance(source, ast.JoinExpr):
            yield from _queries(source.quals)


def _queries(tree: Any) -> Iterator[Any]:
    if isinstance(tree, ast.SelectStmt):
        yield tree
    elif isinstance(tree, tuple | list):
        for part in tree:
            yield from _queries(part)
    elif isinstance(tree, ast.Node):
        for slot in tree:
            yield from _queries(getattr(tree, slot))
