"""Where the time went: the stages of the paid requests, as the service tells them in Server-Timing."""

from collections import defaultdict
from typing import Any

import numpy as np
from locust import events


class StageTimes:
    """Milliseconds by stage, in the order in which the stages were first seen."""

    def __init__(self) -> None:
        self._stages: dict[str, list[float]] = defaultdict(list)

    def add(self, server_timing: str) -> None:
        """Take in one header value (W3C Server Timing): `decode;dur=12.3, infer;dur=45.6`."""
        for metric in server_timing.split(","):
            stage, _, duration = metric.strip().partition(";dur=")
            if duration:
                self._stages[stage].append(float(duration))

    def table(self) -> str:
        """One line per stage: how often, p50 and p95 in milliseconds; empty when nothing was taken in."""
        if not self._stages:
            return ""
        lines = [f"{'stage':<10}{'count':>8}{'p50 ms':>10}{'p95 ms':>10}"]
        for stage, durations in self._stages.items():
            p50, p95 = np.percentile(durations, [50, 95])
            lines.append(f"{stage:<10}{len(durations):>8}{p50:>10.1f}{p95:>10.1f}")
        return "\n".join(lines)


_times = StageTimes()


@events.request.add_listener
def _collect(response: Any = None, **_: Any) -> None:
    header = response.headers.get("Server-Timing") if response is not None and response.headers else None
    if header:
        _times.add(header)


@events.quit.add_listener
def _show(**_: Any) -> None:
    print(_times.table())  # noqa: T201 - a command's output
