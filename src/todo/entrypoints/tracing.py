"""Traces (OpenTelemetry): imported only where they are asked for, because that alone takes a third of a second."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult

from todo import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Link, SpanKind, TraceState
    from opentelemetry.util.types import Attributes

PATIENCE: Final = 3.0
"""Seconds in which spans must be sent: a collector that is away holds up the end of a process by no more."""

_UNTOLD: Final = frozenset({"url.path", "url.query", "url.full"})
"""What FastAPI would tell of a request and we do not: paths hold ids, and queries what somebody looks for."""


def begin_tracing(collector: str) -> None:
    """From now on send spans to the collector, by OTLP over HTTP, in a thread beside.

    The variables of OpenTelemetry hold as well: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER,
    OTEL_EXPORTER_OTLP_HEADERS and others.
    """
    described = {SERVICE_VERSION: __version__}
    if "OTEL_SERVICE_NAME" not in os.environ:
        described[SERVICE_NAME] = "todo"
    provider = TracerProvider(resource=Resource.create(described))
    provider.sampler = Discreet(provider.sampler)
    exporter = OTLPSpanExporter(endpoint=f"{collector}/v1/traces", timeout=PATIENCE)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


class Discreet(Sampler):
    """Samples as another sampler does, and leaves out of every span what could tell of a person."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        told = {key: value for key, value in (attributes or {}).items() if key not in _UNTOLD}
        return self._sampler.should_sample(parent_context, trace_id, name, kind, told, links, trace_state)

    def get_description(self) -> str:
        return f"Discreet{{{self._sampler.get_description()}}}"
