"""Reading the parameters of a query, and telling all that is wrong with them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl

from todo.domain.errors import Flaw, InvalidError, InvalidFieldsError
from todo.entrypoints.http.bodies import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from starlette.requests import Request

Value = TypeVar("Value")

MOST_PARAMETERS = 100


def query_of(request: Request) -> str:
    """The query of the request's URL, still percent-encoded."""
    return str(request.scope["query_string"], "utf-8", "replace")


class Parameters:
    """The parameters in the query of a URL. Nothing is ignored: a misspelt filter must not show everything.

    `known` maps each name that a parameter may be written with to the name that it is asked for by. Only
    those in `repeatable` may be given more than once, and only those in `may_be_empty` without a value.
    """

    def __init__(
        self, query: str, known: Mapping[str, str], repeatable: Collection[str] = (), may_be_empty: Collection[str] = ()
    ) -> None:
        if query.count("&") >= MOST_PARAMETERS:
            raise InvalidFieldsError([Flaw("query", "too_many", f"may hold at most {MOST_PARAMETERS} parameters.")])
        try:
            self.pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
        except UnicodeDecodeError as error:
            flaw = Flaw("query", "not_unicode", "must be UTF-8, percent-encoded.")
            raise InvalidFieldsError([flaw]) from error
        self._given: dict[str, list[tuple[str, str]]] = {}
        self._flaws: list[Flaw] = []
        for written, value in self.pairs:
            name = known.get(written)
            if name is None:
                message = f"is not a known parameter.{did_you_mean(written, known) or _one_of(known)}"
                self._flaws.append(Flaw(written, "unknown_parameter", message))
            elif name in self._given and name not in repeatable:
                self._flaws.append(Flaw(written, "repeated", "may be given only once."))
            elif not value and name not in may_be_empty:
                self._flaws.append(Flaw(written, "empty", "must not be empty. Leave it out, or give it a value."))
            else:
                self._given.setdefault(name, []).append((written, value))

    def all(self, name: str, parse: Callable[[str], Value]) -> list[Value]:
        """Every value that was given under this name and that `parse` can read."""
        values = []
        for written, value in self._given.get(name, ()):
            try:
                values.append(parse(value))
            except InvalidError as error:
                self._flaws.append(Flaw(written, error.flaw, str(error)))
        return values

    def one(self, name: str, parse: Callable[[str], Value]) -> Value | None:
        """The value of a parameter; None if it was not given."""
        values = self.all(name, parse)
        return values[0] if values else None

    def check(self) -> None:
        """`InvalidFieldsError` if anything was wrong. Ask it last."""
        if self._flaws:
            raise InvalidFieldsError(self._flaws)


def choice(values: Mapping[str, Value]) -> Callable[[str], Value]:
    """A parser that knows these values by name."""

    def parse(text: str) -> Value:
        if text not in values:
            message = f"must be one of {', '.join(values)}.{did_you_mean(text.lower(), values)}"
            raise InvalidError("unknown_value", message)
        return values[text]

    return parse


def _one_of(known: Iterable[str]) -> str:
    return f" Known are {', '.join(known)}."
