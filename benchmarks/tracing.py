"""What traces cost the process that makes them: `python -m benchmarks.tracing`.

CPU microseconds by `time.process_time`, the best of the rounds, for a quote (one span) and a sale of 40 spans: without
a collector, with one and a share of 0, and with all of them recorded. Spans are discarded in place of being sent.
"""

import time
from collections.abc import Callable, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from rich.console import Console
from rich.table import Table

import tracing.spans
from tracing import request_span, span
from tracing.tracer import Tracer

ROUNDS = 5
SALE_SPANS = 40
HEADERS = [(b"host", b"cut.example")] * 12


class Discarding(SpanExporter):
    """Takes everything and keeps nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep nothing."""
        return SpanExportResult.SUCCESS


def request(parts: int) -> None:
    """One request with so many spans inside."""
    with request_span(HEADERS) as traced:
        for _ in range(parts):
            with span("eth_call", is_call=True, rpc_url=1):
                pass
        traced.answered("POST /", 402, rail="none", code="payment_required")


def cpu_us(work: Callable[[], None], times: int) -> float:
    """Of one call."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            work()
        rounds.append(1e6 * (time.process_time() - began) / times)
    return min(rounds)


def main() -> None:
    """Measure and print."""
    shown = Table("CPU us", "quote", f"sale of {SALE_SPANS} spans")
    for name, share in (("off", None), ("share 0", 0.0), ("share 1", 1.0)):
        if share is not None:
            tracing.spans._tracer = Tracer("benchmark", BatchSpanProcessor(Discarding()), share=share)
        shown.add_row(
            name, f"{cpu_us(lambda: request(0), 5000):.1f}", f"{cpu_us(lambda: request(SALE_SPANS), 500):.1f}"
        )
    Console().print(shown)


if __name__ == "__main__":
    main()
