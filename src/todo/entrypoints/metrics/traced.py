"""The tally of a service that is traced: what it counts, it tells the span of the request as well (OpenTelemetry)."""

from __future__ import annotations

from opentelemetry import trace

from todo.entrypoints.metrics.tally import NO_ROUTE, Durations, Tally, known_method


class TracedTally(Tally):
    """FastAPI begins a span for each request, and has its own router name it. Ours finds the routes: hence this."""

    def __init__(self) -> None:
        super().__init__()
        self.pool_waits = _TracedWaits()

    def answered(self, method: str, route: str, status: int, outcome: str, seconds: float) -> None:
        super().answered(method, route, status, outcome, seconds)
        span = trace.get_current_span()
        if route != NO_ROUTE:
            span.update_name(f"{known_method(method)} {route}")
            span.set_attribute("http.route", route)
        if outcome:
            span.set_attribute("todo.outcome", outcome)


class _TracedWaits(Durations):
    __slots__ = ()

    def add(self, seconds: float) -> None:
        super().add(seconds)
        trace.get_current_span().add_event("waited for a connection", {"todo.pool.wait.seconds": seconds})
