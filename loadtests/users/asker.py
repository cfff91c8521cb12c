"""Somebody who asks for the price and goes."""

import random

import gevent
from locust import FastHttpUser, constant_throughput, task

from loadtests.config import QUOTE
from loadtests.users import PATH, from_somewhere, judge


class Asker(FastHttpUser):
    """Sends one empty request a second, however long the answers take; no two of them in step."""

    wait_time = constant_throughput(1)

    def on_start(self) -> None:
        gevent.sleep(random.random())  # noqa: S311 - no secret

    @task
    def ask(self) -> None:
        with self.client.post(PATH, headers=from_somewhere(), name=QUOTE, catch_response=True) as answer:
            judge(answer, expected=402)
