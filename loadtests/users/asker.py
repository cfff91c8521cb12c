"""Somebody who asks for the price and goes."""

import random
import time

import gevent
from locust import FastHttpUser, task

from loadtests.config import QUOTE
from loadtests.users import PATH, from_somewhere, judge


class Asker(FastHttpUser):
    """Sends an empty request once a second on average, however long the answers take, at moments of its own.

    Together many of them are a Poisson process. Locust's `constant_throughput` would let all of them ask in step.
    """

    def on_start(self) -> None:
        self._due = time.monotonic()
        gevent.sleep(self.wait_time())

    def wait_time(self) -> float:
        """Seconds until the next request is due."""
        self._due += random.expovariate(1.0)
        return max(0.0, self._due - time.monotonic())

    @task
    def ask(self) -> None:
        with self.client.post(PATH, headers=from_somewhere(), name=QUOTE, catch_response=True) as answer:
            judge(answer, expected=402)
