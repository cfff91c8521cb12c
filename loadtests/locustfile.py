"""What locust runs. Locust comes first, because it replaces the sockets that everything after it uses."""

import locust  # noqa: F401 - see above

from loadtests import gate, timings
from loadtests.users.asker import Asker
from loadtests.users.buyer import Buyer

__all__ = ["Asker", "Buyer", "gate", "timings"]
