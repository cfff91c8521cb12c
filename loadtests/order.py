"""What one locust run is told: a phase with its rates, and where the rest is."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from loadtests.profile import Kind

VARIABLE = "CLEARCANVAS_LOADTEST_ORDER"
"""Environment variable with the path of the order; each locust process reads it."""


@dataclass(frozen=True, slots=True)
class Order:
    """See Phase and Profile.

    Attributes:
        tempo_rpc_url: the node that MPP buyers ask.
        records: folder in which each process writes what it has recorded.
    """

    users: dict[Kind, int]
    arrivals: dict[Kind, float]
    pictures: dict[float, float]
    patience_s: float
    processes: int
    seed: int
    tempo_rpc_url: str
    records: str

    def write(self, path: Path) -> None:
        """Write it to a file."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls) -> "Order":
        """The order of this process."""
        told = json.loads(Path(os.environ[VARIABLE]).read_text())
        return cls(**told | {"pictures": {float(size): share for size, share in told["pictures"].items()}})
