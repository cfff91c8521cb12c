"""What closed users and arriving ones have in common."""

import random

from locust import FastHttpUser

from loadtests.order import Order
from loadtests.pictures import Pictures
from loadtests.profile import Kind
from loadtests.recorder import recorder
from loadtests.users.client import Client
from loadtests.wallet import Wallet


class Visitor(FastHttpUser):
    """A locust user with a Client. Subclasses name the order and the kind; the locustfile gives them the wallet."""

    abstract = True
    network_timeout = 100.0
    order: Order
    wallet: Wallet | None = None
    kind: Kind

    def on_start(self) -> None:
        """Make the client, with pictures drawn by the order's seed."""
        self.draw = random.Random(f"{self.order.seed} {self.kind} {id(self)}")  # noqa: S311 - no secret
        pictures = Pictures(self.order.pictures, self.draw)
        assert self.host  # noqa: S101 - locust was told
        self.visitor = Client(self.client, self.host, pictures, self.wallet, recorder, self.order.patience_s)


def class_name(kind: str, when: str) -> str:
    """`X402V2Closed`."""
    return "".join(part.capitalize() for part in kind.split("-")) + when
