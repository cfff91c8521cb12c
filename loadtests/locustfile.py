"""What locust runs: the users. The gate and the timings listen to what happens to them."""

from typing import Any

import gevent
from locust import events

from loadtests import gate, timings
from loadtests.users.asker import Asker
from loadtests.users.buyer import Buyer

__all__ = ["Asker", "Buyer", "gate", "timings"]


@events.init.add_listener
def _set_the_clock(**_: Any) -> None:
    """Gevent's timers count from its last look at the clock, which was before the seconds that these imports took."""
    gevent.get_hub().loop.update_now()
