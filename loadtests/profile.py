"""A profile: who comes how often with which pictures, for how long, and what must be kept. One TOML file each."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FOLDER = Path(__file__).with_name("profiles")

Kind = Literal["x402-v1", "x402-v2", "mpp", "slow", "quote", "window-shopper", "hostile"]
"""Clients: three buyers by protocol, a buyer on a slow line (x402 v2), and three that never pay."""

FREE: frozenset[Kind] = frozenset({"quote", "window-shopper"})
"""Those that sign no payment."""

Count = Annotated[int, Field(gt=0, le=500)]
PerSecond = Annotated[float, Field(gt=0, le=500)]
Share = Annotated[float, Field(ge=0, le=1)]


class ProfileError(Exception):
    """A profile cannot be read; the message says what must be changed."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bound(_Table):
    """What a class of requests may take.

    Attributes:
        of: the class, as in the report: `paid mpp`.
        p50, p95, p99: milliseconds; of the requests that were served.
    """

    of: str
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None

    @property
    def percentiles(self) -> dict[int, float]:
        """Percentile → milliseconds."""
        return {each: ms for each, ms in ((50, self.p50), (95, self.p95), (99, self.p99)) if ms is not None}


class Phase(_Table):
    """A part of a run, with its own users.

    Attributes:
        users: closed: so many of each kind, each with one request at a time and no pause.
        arrivals: open: so many visits of each kind per second on average, at independent moments (a Poisson process),
            however long the answers take.
        times_peak: arrivals are shares; together they are this many times the most pictures per second of any phase
            before this one.
        patience_s: for how long a buyer sends a payment again that was refused for lack of capacity.
        counts_for_peak: whether this phase measures what the service can sell.
    """

    name: str
    seconds: Annotated[float, Field(gt=0, le=7 * 24 * 3600)]
    users: dict[Kind, Count] = {}
    arrivals: dict[Kind, PerSecond] = {}
    times_peak: Annotated[float, Field(gt=0, le=10)] | None = None
    patience_s: Annotated[float, Field(ge=0, le=120)] = 10.0
    counts_for_peak: bool = False

    @model_validator(mode="after")
    def _has_users(self) -> Self:
        if not self.users and not self.arrivals:
            raise ValueError("must have `users` or `arrivals`")
        if self.times_peak and (self.users or not self.arrivals):
            raise ValueError("`times_peak` needs `arrivals`, and no `users`")
        return self


class Limits(_Table):
    """What the whole run must keep, beside the bounds. Money must always agree.

    Attributes:
        failed: share of all requests that may fail. A refusal for lack of capacity is not a failure.
        shed: share of the paid requests that may be refused for lack of capacity.
        of_peak: share of the peak's pictures per second that each phase with `times_peak` must keep.
    """

    failed: Share = 0.0
    shed: Share = 1.0
    of_peak: Share | None = None


class Growth(_Table):
    """What may grow between the time after `settled_s` and the end of the run.

    Attributes:
        settled_s: seconds until the service counts as warm.
        window_s: medians of this long are compared: the first after `settled_s`, and the last.
        memory_mb: resident megabytes of each process.
        files, threads: open files and threads of each process.
        latency_ratio, latency_ms: the median wait of a class may become this many times as long and this much longer.
    """

    settled_s: float
    window_s: float
    memory_mb: float = 20.0
    files: int = 20
    threads: int = 5
    latency_ratio: float = 1.5
    latency_ms: float = 100.0


class Profile(_Table):
    """One profile.

    Attributes:
        pictures: megapixels → share of the pictures.
        processes: that send: one, or a master and so many workers.
        separate_cpus: whether the service has the last CPU and everything else the others.
        workers: API workers of a service that is started for the run.
        seed: of the moments at which visits begin, and of the pictures' sizes.
    """

    about: str
    pictures: dict[float, Share] = {2.0: 1.0}
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    separate_cpus: bool = False
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    seed: int = 1
    phases: tuple[Phase, ...]
    bounds: tuple[Bound, ...] = ()
    limits: Limits = Limits()
    growth: Growth | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if abs(sum(self.pictures.values()) - 1) > 0.001:
            raise ValueError("the shares of `pictures` must add up to 1")
        peaks = [phase.counts_for_peak for phase in self.phases]
        for place, phase in enumerate(self.phases):
            if phase.times_peak and not any(peaks[:place]):
                raise ValueError(f"phase {phase.name!r}: `times_peak` needs an earlier phase with `counts_for_peak`")
        return self

    @classmethod
    def load(cls, name: str) -> "Profile":
        """A profile of this package by name, or any by its path.

        Raises:
            ProfileError: there is none, or it is invalid.
        """
        path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
        try:
            return cls.model_validate(tomllib.loads(path.read_text()))
        except OSError as error:
            raise ProfileError(
                f"There is no profile {name!r}. Known: {', '.join(names())}; or a path: my.toml"
            ) from error
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            raise ProfileError(f"{path}: {error}") from error

    def lasting(self, seconds: float) -> "Profile":
        """The same, the last phase lasting so long."""
        *before, last = self.phases
        return self.model_copy(update={"phases": (*before, last.model_copy(update={"seconds": seconds}))})


def names() -> list[str]:
    """The profiles of this package."""
    return sorted(each.stem for each in FOLDER.glob("*.toml"))
