"""What FastAPI's own OpenTelemetry support is asked to do: server spans, and nothing else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from opentelemetry import trace

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig
    from starlette.types import Scope

_UNTRACED = frozenset({"/livez", "/readyz", "/metrics"})


def telemetry(*, is_on: bool) -> TelemetryConfig:
    """Spans of the global tracer provider, if it is on. Metrics and logs are ours, and hold less of users."""
    return {
        "tracing": is_on,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": _is_untraced,
    }


async def send_spans() -> None:
    """Send what was not sent yet, if anything is traced."""
    shutdown = getattr(trace.get_tracer_provider(), "shutdown", None)
    if shutdown:
        await asyncio.to_thread(shutdown)


def _is_untraced(scope: Scope) -> bool:
    """Whether it is a question of whoever runs the service, asked every few seconds, or a stream without end."""
    path: str = scope["path"]
    return path in _UNTRACED or path.endswith("/tasks/events")
