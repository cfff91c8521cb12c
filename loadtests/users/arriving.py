"""An open load: visits begin at independent moments (a Poisson process), whether earlier ones have ended or not.

Locust's users have one task at a time; here one user per process starts the visits of a kind as greenlets.
"""

import time

import gevent
from gevent.pool import Pool
from locust import constant, task

from loadtests.order import Order
from loadtests.profile import Kind
from loadtests.users.base import Visitor, class_name
from loadtests.users.visits import visit

_AT_A_TIME = 400
"""Visits of a kind and process. More do not begin: the report then says so, for the load was not the one ordered."""

_PATIENCE_S = 100.0


class _Arriving(Visitor):
    abstract = True
    wait_time = constant(0)
    concurrency = _AT_A_TIME
    rate: float

    def on_start(self) -> None:
        """Draw the first moment."""
        super().on_start()
        self._visits = Pool(_AT_A_TIME)
        self._due = time.monotonic() + self.draw.expovariate(self.rate)

    @task
    def arrive(self) -> None:
        """Wait for the next moment, and begin a visit."""
        gevent.sleep(max(0.0, self._due - time.monotonic()))
        self._due += self.draw.expovariate(self.rate)
        if self._visits.free_count():
            self._visits.spawn(visit, self.kind, self.visitor)
        else:
            self.visitor.recorder.add("requests", [time.time(), f"{self.kind}, not begun", 0.0, "too many at a time"])

    def on_stop(self) -> None:
        """Let the visits end that have begun."""
        self._visits.join(timeout=_PATIENCE_S)


def arriving(kind: Kind, rate: float, order: Order) -> type[Visitor]:
    """The class whose users, one per process, make so many visits of a kind per second together."""
    told = {"kind": kind, "order": order, "rate": rate / order.processes, "fixed_count": order.processes}
    return type(class_name(kind, "Arriving"), (_Arriving,), told)
