"""Every metric's name, and the traces. Spans are opened by hand: at the request, relay, consume and send.

A trace begins at a request that carries a sampled `traceparent`, or at `PASOKH_TRACE_RATIO` of the others; what
is not sampled costs a comparison and carries no header on.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span
from opentelemetry.trace import SpanKind as SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

# The API's meter and tracer are proxies until `configure` gives them a provider.
_meter = metrics.get_meter("pasokh")
_tracer = trace.get_tracer("pasokh")
_w3c = TraceContextTextMapPropagator()

# Seconds a request took, by route and status.
REQUEST_SECONDS = _meter.create_histogram("pasokh_request_seconds", "s", "time to answer a request")
# Requests that shared one commit; near 1 when idle, tens under load.
GROUP_SIZE = _meter.create_histogram("pasokh_group_size", "1", "requests in one group commit")
# Requests refused because too many waited for their commit.
OVERLOADED = _meter.create_counter("pasokh_overloaded", "1", "requests refused because too many waited")
# Requests refused because their citizen, device or channel sent too many, by limit.
LIMITED = _meter.create_counter("pasokh_limited", "1", "requests refused because one sent too many")
# Events published, and batches of them that Kafka did not take.
RELAYED = _meter.create_counter("pasokh_relayed", "1", "events published")
RELAY_FAILURES = _meter.create_counter("pasokh_relay_failures", "1", "batches that Kafka did not take")
# 1 for the replica whose relay publishes, 0 for the others.
RELAY_LEADING = _meter.create_gauge("pasokh_relay_leading", "1", "this replica publishes")
# Records handled, skipped as seen before, and put aside, by stream.
CONSUMED = _meter.create_counter("pasokh_consumed", "1", "events handled")
SEEN_BEFORE = _meter.create_counter("pasokh_seen_before", "1", "events skipped, seen before")
DEAD_LETTERS = _meter.create_counter("pasokh_dead_letters", "1", "records put into the dead-letter stream")
# Those of them in which a citizen names what is not there: no sign that something is wrong, so not counted above.
STRAYS = _meter.create_counter("pasokh_strays", "1", "replies to no case, put into the dead-letter stream")
# Batches that had to wait for the database or Kafka.
CONSUME_RETRIES = _meter.create_counter("pasokh_consume_retries", "1", "batches tried again")
# SMS handed to the provider, by outcome: sent, retry, refused.
SMS = _meter.create_counter("pasokh_sms", "1", "tries at handing an SMS over")
# What a messenger says of our messages there, by platform and status: sent, delivered, read, failed.
PLATFORM_STATUSES = _meter.create_counter("pasokh_platform_statuses", "1", "what messengers say of our messages")
# Notifications and prompts handed to messengers and the app's webhook, by means and outcome: sent, retry, refused.
HANDED = _meter.create_counter("pasokh_handed", "1", "tries at handing one to a messenger or the app")
# Files that came with messages, by outcome: stored, refused, gone, later.
ATTACHMENTS = _meter.create_counter("pasokh_attachments", "1", "tries at storing a file of a message")
# Records behind the end of the stream, by stream and partition.
LAG = _meter.create_gauge("pasokh_lag", "1", "records not yet handled")
# 1 when a consumer stopped because too many dead letters came in a row.
STOPPED = _meter.create_gauge("pasokh_consumer_stopped", "1", "this consumer stopped and says why in /readyz")


class Sampling:
    """Decides once, where a trace could begin, whether it does."""

    ratio = 0.1

    @classmethod
    def wants(cls, traceparent: str | None) -> bool:
        """Follow the caller's flag when there is one, else sample at the ratio."""
        if traceparent:
            return traceparent.endswith("-01")
        return random.random() < cls.ratio


def configure(service: str, *, otlp: str | None, ratio: float) -> None:
    """Give the proxies a provider, once a process: Prometheus always, OTLP when an address is set."""
    Sampling.ratio = ratio
    if isinstance(metrics.get_meter_provider(), MeterProvider):
        return
    resource = Resource.create({"service.name": f"pasokh-{service}"})
    readers: list[MetricReader] = [PrometheusMetricReader()]
    traces = TracerProvider(resource=resource)
    if otlp:
        traces.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp}/v1/traces"), schedule_delay_millis=1000)
        )
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{otlp}/v1/metrics")))
    metrics.set_meter_provider(MeterProvider(metric_readers=readers, resource=resource))
    trace.set_tracer_provider(traces)


def flush() -> None:
    """Send what is waiting to be exported; at the end of a process."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush(2000)


@contextmanager
def span(
    name: str,
    traceparent: str | None,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes = None,
) -> Iterator[Span]:
    """A span under the given parent, current while it is open."""
    parent = _w3c.extract({"traceparent": traceparent}) if traceparent else None
    with _tracer.start_as_current_span(name, context=parent, kind=kind, attributes=attributes) as opened:
        yield opened


def traceparent() -> str | None:
    """`traceparent` of the current span, or None outside of any."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def follows(parent: str | None) -> bool:
    """Whether an event belongs to a trace that is recorded."""
    return parent is not None and parent.endswith("-01")
