"""What locust runs: one class for each kind of client of the order, with a fixed number of users."""

import sys
from typing import Any

import gevent
from locust import FastHttpUser, events

from loadtests import recorder
from loadtests.order import Order
from loadtests.pictures import photo
from loadtests.profile import FREE
from loadtests.users.arriving import arriving
from loadtests.users.base import Visitor
from loadtests.users.closed import closed
from loadtests.wallet import Wallet

__all__ = ["recorder"]


def _classes(order: Order) -> dict[str, type[FastHttpUser]]:
    users = [closed(kind, number, order) for kind, number in order.users.items()]
    users += [arriving(kind, rate, order) for kind, rate in order.arrivals.items()]
    return {each.__name__: each for each in users}


def _prepare(order: Order) -> None:
    """Have wallet and pictures ready before locust starts: a worker that is connected gets users at once.

    A master has no users.
    """
    if "--master" in sys.argv:
        return
    if {*order.users, *order.arrivals} - FREE:
        Visitor.wallet = Wallet(order.tempo_rpc_url)
    for megapixels in order.pictures:
        photo(megapixels)


ORDER = Order.read()
_prepare(ORDER)
globals().update(_classes(ORDER))


@events.init.add_listener
def _set_the_clock(**_: Any) -> None:
    """Gevent's timers count from its last look at the clock, which was before the seconds that all this took."""
    gevent.get_hub().loop.update_now()
