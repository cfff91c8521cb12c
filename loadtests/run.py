"""A run as it is kept: what was ordered, what was seen, in one JSON file that reports and comparisons read."""

import gzip
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from loadtests.money import Money
from loadtests.profile import Kind, Phase, Profile

SHED = ", shed"


@dataclass
class PhaseRun:
    """What was seen in one phase.

    Attributes:
        began: unix seconds of the first request.
        arrivals: visits per second of each kind, as they were ordered.
        requests: begin in unix seconds, class, milliseconds, fault.
        deliveries: unix seconds, rail, transaction, megapixels, Server-Timing.
        unresolved: buyers who could not find out whether they had paid.
        prices: that were quoted, in base units.
        broken: users of the load test that broke down.
        samples: see `Sampler.rows`.
    """

    phase: Phase
    began: float
    arrivals: dict[Kind, float]
    requests: list[Any]
    deliveries: list[Any]
    unresolved: list[Any]
    prices: list[int]
    broken: list[str]
    samples: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        phase: Phase,
        *,
        began: float,
        arrivals: dict[Kind, float],
        records: dict[str, list[Any]],
        samples: list[dict[str, Any]],
    ) -> "PhaseRun":
        """From what locust's processes have written. The phase begins with its first request."""
        began = min((row[0] for row in records["requests"]), default=began)
        return cls(phase, began, arrivals, samples=samples, **records)

    @property
    def sold_per_s(self) -> float:
        """Pictures delivered per second, until the phase's end or the last of them."""
        last = max((row[0] for row in self.deliveries), default=self.ended)
        return len(self.deliveries) / (max(last, self.ended) - self.began)

    @property
    def ended(self) -> float:
        """Unix seconds at which the last visits began."""
        return self.began + self.phase.seconds

    def waits(self) -> dict[str, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
        """Milliseconds of each class's requests that did not fail, by the time of their beginnings."""
        found: dict[str, list[float]] = {}
        for _, name, ms, fault in sorted(self.requests, key=lambda row: row[0]):
            if not fault:
                found.setdefault(name, []).append(ms)
        return {name: np.asarray(each) for name, each in sorted(found.items())}

    def failures(self) -> Counter[tuple[str, str]]:
        """Class and fault → how often."""
        return Counter((row[1], row[3]) for row in self.requests if row[3])


@dataclass
class Run:
    """What was seen in all phases.

    Attributes:
        began: unix seconds at which the target was started.
        money: what the chains say in the end.
        missed: what the gate says; empty: everything was kept.
    """

    name: str
    profile: Profile
    began: float
    machine: dict[str, Any]
    phases: list[PhaseRun]
    money: Money
    missed: list[str] = field(default_factory=list)

    @property
    def origin(self) -> float:
        """Unix seconds of the first request."""
        return self.phases[0].began

    @property
    def peak_per_s(self) -> float:
        """The most pictures per second of any phase that counts for it; 0 without one."""
        return max((each.sold_per_s for each in self.phases if each.phase.counts_for_peak), default=0.0)

    @cached_property
    def deliveries(self) -> list[Any]:
        """Of all phases."""
        return [row for phase in self.phases for row in phase.deliveries]

    def write(self, folder: Path) -> Path:
        """Keep it as `run.json.gz`; gives the path."""
        path = folder / "run.json.gz"
        document = asdict(self) | {"profile": self.profile.model_dump(mode="json")}
        for phase, kept in zip(self.phases, document["phases"], strict=True):
            kept["phase"] = phase.phase.model_dump(mode="json")
        path.write_bytes(gzip.compress(json.dumps(document).encode()))
        return path

    @classmethod
    def read(cls, path: Path) -> "Run":
        """A run from its file, or from its folder."""
        path = path / "run.json.gz" if path.is_dir() else path
        told = json.loads(gzip.decompress(path.read_bytes()))
        phases = [PhaseRun(**each | {"phase": Phase.model_validate(each["phase"])}) for each in told["phases"]]
        return cls(
            **told
            | {"profile": Profile.model_validate(told["profile"]), "phases": phases, "money": Money(**told["money"])}
        )
