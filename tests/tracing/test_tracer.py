"""The spans of one process, without a collector."""

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.contextvars import get_contextvars

from errors import PaymentRejected, RailUnavailable
from tracing import own_headers, request_span, span, trace_id
from tracing.tracer import Tracer

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Recorded:
    """A tracer with everything that it has ended."""

    def __init__(self, share: float = 1.0) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracer = Tracer("test", SimpleSpanProcessor(self._exporter), share=share)

    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def request(self, *traceparents: str) -> None:
        with self.tracer.request([(b"traceparent", each.encode()) for each in traceparents]):
            pass


@pytest.mark.parametrize("flags", ["00", "01"])
def test_the_callers_trace_goes_on_and_the_share_is_ours(flags: str) -> None:
    parent = PARENT[:-2] + flags
    all_of_them, none_of_them = Recorded(), Recorded(share=0.0)
    all_of_them.request(parent)
    none_of_them.request(parent)
    assert [f"{each.context.trace_id:032x}" for each in all_of_them.spans() if each.context] == [TRACE]
    assert none_of_them.spans() == []


@pytest.mark.parametrize("given", [(), ("nonsense",), (PARENT, PARENT), ("00-" + "0" * 32 + "-" + "0" * 16 + "-01",)])
def test_without_one_readable_parent_a_trace_begins(given: tuple[str, ...]) -> None:
    recorded = Recorded()
    recorded.request(*given)
    [request] = recorded.spans()
    assert request.parent is None


def test_what_outlives_its_request_adds_nothing_to_the_trace() -> None:
    recorded = Recorded()
    with recorded.tracer.request([]):
        with recorded.tracer.part("inside", is_call=False, attributes={}):
            pass
        rest = recorded.tracer.part("after", is_call=True, attributes={})
        ended = recorded.tracer.headers()
    with rest:
        assert recorded.tracer.trace_id() is None
        assert recorded.tracer.headers() == {}
    assert ended["traceparent"].startswith("00-")
    assert [each.name for each in recorded.spans()] == ["inside", "request"]


def test_an_error_is_told_by_its_code_or_class_and_never_by_its_text() -> None:
    recorded = Recorded()
    for error in (RailUnavailable("marked"), PaymentRejected("marked", reason="marked"), ValueError("marked")):
        with pytest.raises(type(error)), recorded.tracer.request([]):
            raise error
    told = [((each.attributes or {})["error.type"], each.status.is_ok) for each in recorded.spans()]
    assert told == [("rail_unavailable", False), ("payment_rejected", True), ("ValueError", False)]
    assert "marked" not in " ".join(each.to_json() for each in recorded.spans())


def test_log_lines_of_a_traced_request_have_its_id() -> None:
    with Recorded().tracer.request([(b"traceparent", PARENT.encode())]):
        assert get_contextvars()["trace_id"] == TRACE
    assert "trace_id" not in get_contextvars()


def test_without_a_collector_nothing_is_made() -> None:
    with request_span([(b"traceparent", PARENT.encode())]) as traced, span("part"):
        traced.answered("name", 200)
        assert (trace_id(), own_headers(), "trace_id" in get_contextvars()) == (None, {}, False)
