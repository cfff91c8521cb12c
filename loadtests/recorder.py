"""What happened, in locust's processes: every request, and every picture that was delivered for money.

Locust's own statistics round and add up; the report needs each request with its time. Workers send what they have
recorded to the master with their statistics, every three seconds and at the end.
"""

import json
from pathlib import Path
from typing import Any

from locust import events
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtests.order import Order


class Recorder:
    """Rows of one process, or of all workers in the master.

    Attributes:
        requests: begin in unix seconds, class, milliseconds, fault ("" without one).
        deliveries: unix seconds, rail, transaction, megapixels, the stages of Server-Timing.
        unresolved: what buyers could not find out: whether they have paid.
        prices: all that were quoted, in base units.
    """

    def __init__(self) -> None:
        self.rows: dict[str, list[Any]] = {"requests": [], "deliveries": [], "unresolved": [], "prices": []}

    def add(self, kind: str, row: Any) -> None:
        """Record one row."""
        self.rows[kind].append(row)

    def price(self, units: int) -> None:
        """Record a price once."""
        if units not in self.rows["prices"]:
            self.rows["prices"].append(units)

    def drain(self) -> dict[str, list[Any]]:
        """Everything so far, which is then forgotten."""
        rows, self.rows = self.rows, {kind: [] for kind in self.rows}
        return rows

    def merge(self, rows: dict[str, list[Any]]) -> None:
        """Take in what a worker has sent."""
        for kind, more in rows.items():
            self.rows[kind] += more


recorder = Recorder()


@events.request.add_listener
def _on_request(name: str, start_time: float, response_time: float, exception: Any = None, **_: Any) -> None:
    fault = f"{type(exception).__name__}: {exception}"[:300] if exception else ""
    recorder.add("requests", [round(start_time, 3), name, round(response_time, 1), fault])


@events.report_to_master.add_listener
def _on_report(data: dict[str, Any], **_: Any) -> None:
    data["clearcanvas"] = recorder.drain()


@events.worker_report.add_listener
def _on_worker_report(data: dict[str, Any], **_: Any) -> None:
    recorder.merge(data["clearcanvas"])


@events.quitting.add_listener
def _write(environment: Environment, **_: Any) -> None:
    """The gate judges, not locust: its exit code says only whether it has run."""
    if isinstance(environment.runner, WorkerRunner):
        return
    crashes = environment.runner.exceptions if environment.runner else {}
    broken = [f"{each['count']} times: {each['msg']}" for each in crashes.values()]
    Path(Order.read().records).write_text(json.dumps({**recorder.drain(), "broken": broken}))
    environment.process_exit_code = 0
