"""What the runner's process is told: no secret but its own, so that whoever takes it over learns no key."""

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from bentoml._internal.utils import circus

Create = Callable[..., Any]


def is_worker_of(service: str) -> bool:
    """Whether this process is a worker of a BentoML service that another one depends on."""
    return "--service-name" in sys.argv and sys.argv[sys.argv.index("--service-name") + 1] == service


def keep_from(service: str, is_secret: Callable[[str], bool]) -> None:
    """Start a service's workers without these environment variables. For the supervisor, before BentoML makes its
    workers."""
    circus.create_standalone_arbiter = _without(circus.create_standalone_arbiter, service, is_secret)


def _without(create: Create, service: str, is_secret: Callable[[str], bool]) -> Create:
    @wraps(create)
    def created(*args: Any, **named: Any) -> Any:
        for watcher in named["watchers"]:
            if watcher.name == f"service_{service}":
                watcher.env = kept(watcher.env, is_secret)
        return create(*args, **named)

    return created


def kept(environ: Mapping[str, str], is_secret: Callable[[str], bool]) -> dict[str, str]:
    """What is no secret."""
    return {name: value for name, value in environ.items() if not is_secret(name)}
