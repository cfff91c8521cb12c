"""The runner's side of HTTP: uvicorn's own protocol, past the layers that BentoML puts around every application."""

from typing import Any, ClassVar

from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


class RunnerProtocol(H11Protocol):
    """Hands requests straight to the runner's application; BentoML keeps the lifespan.

    Attributes:
        straight_to: the application, for the whole process; without it the one that the server was given is called.
    """

    straight_to: ClassVar[tuple[ASGIApp] | None] = None

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        if self.straight_to is not None:
            [self.app] = self.straight_to
