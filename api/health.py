"""Health: `/healthz` and `/livez` report that the process runs; `/readyz` reports whether it can sell a picture now."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.problems import problem
from api.request_id import request_id_of
from errors import ServiceError, Unavailable
from payments import HEALTH_LIMIT_S, RailMonitor
from telemetry import PART_UP

log = structlog.get_logger(__name__)

_BAD_KEPT_S = 0.25

Check = Callable[[], Awaitable[str | None]]
"""Returns one public sentence about an outage, or None; may raise a `ServiceError` instead."""


@dataclass(frozen=True, slots=True)
class Report:
    """The state of each part: None is healthy; a sentence describes the outage."""

    parts: Mapping[str, str | None]
    rails: Mapping[str, str | None]

    @property
    def ready(self) -> bool:
        """Whether every part and at least one rail is healthy: with one rail down, the other still sells."""
        return not any(self.parts.values()) and None in self.rails.values()


class Readiness:
    """Checks all parts concurrently and caches the result, so that frequent requests do not load the parts.

    The rails are not checked here, because their chains may hang; the monitor has their state.

    Args:
        backends: the backend of each model; reported, but not checked.
        limit_s: time limit of one check; a part that does not answer in time counts as down.
        kept_s: how long a good result is cached; a bad one is checked again soon.
        origin: origin of the problem type's URI.

    Attributes:
        stopping: this worker is stopping: load balancers must not send it new requests.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        watch: RailMonitor,
        backends: Callable[[], Mapping[str, str]] = dict,
        *,
        limit_s: float = HEALTH_LIMIT_S,
        kept_s: float = 2.0,
        origin: str = "",
    ) -> None:
        self.stopping = False
        self._origin = origin
        self._checks = dict(checks)
        self._backends = backends
        self._watch = watch
        self._limit_s = limit_s
        self._kept_s = kept_s
        self._lock = asyncio.Lock()
        self._asked_at = float("-inf")
        self._parts: Mapping[str, str | None] = {}
        self._last: Report | None = None

    async def endpoint(self, request: Request) -> Response:
        """`GET /readyz`: the state of every part and rail by name, and the backend of each model.

        503 if no picture can be sold now.
        """
        report = await self.report()
        body = {
            "ready": report.ready,
            "parts": {name: fault or "ok" for name, fault in report.parts.items()},
            "rails": {name: fault or "ok" for name, fault in report.rails.items()},
            "backends": dict(self._backends()),
        }
        if not report.ready:
            # Returned and not raised, because frequent requests would fill the log with errors.
            refusal = Unavailable("No image can be sold right now.", members=body)
            return problem(refusal, request_id_of(request.scope), self._origin)
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    async def report(self) -> Report:
        """The state of all parts."""
        rails = await self._watch.states()
        async with self._lock:
            if time.monotonic() - self._asked_at >= self._keep():
                self._parts = await self._ask_all()
                self._asked_at = time.monotonic()
                for name, fault in self._parts.items():
                    PART_UP.labels(name).set(fault is None)
            parts = {**self._parts, "worker": "is being stopped"} if self.stopping else self._parts
            before, self._last = self._last, Report(parts, rails)
            if before != self._last:
                log.info("readiness_changed", ready=self._last.ready, parts=parts, rails=rails)
            return self._last

    def _keep(self) -> float:
        return min(self._kept_s, _BAD_KEPT_S) if any(self._parts.values()) else self._kept_s

    async def _ask_all(self) -> dict[str, str | None]:
        faults = await asyncio.gather(*(self._fault(name, check) for name, check in self._checks.items()))
        return dict(zip(self._checks, faults, strict=True))

    async def _fault(self, name: str, check: Check) -> str | None:
        try:
            async with asyncio.timeout(self._limit_s):
                return await check()
        except TimeoutError:
            return "does not answer in time"
        except ServiceError as error:
            return error.detail
        except Exception:
            # /readyz must always answer: a part that raises anything counts as down.
            log.exception("check_failed", part=name)
            return "does not answer"


async def alive(_: Request) -> Response:
    """`GET /healthz`, `GET /livez`: this process answers."""
    return JSONResponse({"alive": True}, headers={"Cache-Control": "no-store"})
