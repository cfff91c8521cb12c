"""What locust runs: one class for each kind of client of the order, with a fixed number of users."""

from typing import Any

import gevent
from locust import FastHttpUser, events
from locust.runners import MasterRunner, Runner

from loadtests import recorder
from loadtests.order import Order
from loadtests.pictures import photo
from loadtests.users.arriving import arriving
from loadtests.users.base import Visitor
from loadtests.users.closed import closed
from loadtests.wallet import Wallet

__all__ = ["recorder"]


def _classes(order: Order) -> dict[str, type[FastHttpUser]]:
    users = [closed(kind, number, order) for kind, number in order.users.items()]
    users += [arriving(kind, rate, order) for kind, rate in order.arrivals.items()]
    return {each.__name__: each for each in users}


ORDER = Order.read()
globals().update(_classes(ORDER))


@events.init.add_listener
def _prepare(runner: Runner, **_: Any) -> None:
    """Have wallet and pictures ready before the time begins to count.

    Gevent's timers count from its last look at the clock, which was before the seconds that all this took.
    """
    if not isinstance(runner, MasterRunner):
        Visitor.wallet = Wallet(ORDER.tempo_rpc_url)
        for megapixels in ORDER.pictures:
            photo(megapixels)
    gevent.get_hub().loop.update_now()
