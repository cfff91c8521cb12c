"""What happened, in locust's processes: every request, and every picture that was delivered for money.

Locust's own statistics round and add up; the report needs each request with its time. Each process writes a file when
it ends: what workers send to the master in their last moments may get lost there.
"""

import json
import os
from pathlib import Path
from typing import Any

from locust import events
from locust.env import Environment

from loadtests.order import Order


class Recorder:
    """Rows of one process.

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


recorder = Recorder()


@events.request.add_listener
def _on_request(name: str, start_time: float, response_time: float, exception: Any = None, **_: Any) -> None:
    fault = f"{type(exception).__name__}: {exception}"[:300] if exception else ""
    recorder.add("requests", [round(start_time, 3), name, round(response_time, 1), fault])


@events.quitting.add_listener
def _write(environment: Environment, **_: Any) -> None:
    """The gate judges, not locust: its exit code says only whether it has run."""
    crashes = environment.runner.exceptions if environment.runner else {}
    broken = [f"{each['count']} times: {each['msg']}" for each in crashes.values()]
    path = Path(Order.read().records) / f"{os.getpid()}.json"
    path.write_text(json.dumps({**recorder.rows, "broken": broken}))
    environment.process_exit_code = 0
