"""Which backend is taken: the first that does the work, whatever the others claim."""

from collections.abc import Callable

import pytest

from models.manifest import ModelManifest
from runners.backend import Backend, BackendError, NoBackend, load_backend
from tests.fakes.backends import Breaking, Constant, DiscFinder, Flat, Fractional, Inverted, Leaking
from tests.shipped import SHIPPED

MANIFEST = SHIPPED


def _absent(_: ModelManifest) -> Backend:
    raise BackendError("no such device")


def _built(backend: Backend) -> Callable[[ModelManifest], Backend]:
    return lambda _: backend


def test_the_first_that_works_is_taken() -> None:
    first, second = DiscFinder(), DiscFinder()
    factories = {"absent": _absent, "first": _built(first), "second": _built(second)}
    assert load_backend(("absent", "first", "second"), MANIFEST, factories) is first
    assert not first.closed


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Constant, "was not separated"),
        (Inverted, "was not separated"),
        (Flat, "probe returned"),
        (Fractional, "probe returned float32"),
        (Leaking, "when another image is in the same batch"),
        (Breaking, "out of memory"),
    ],
)
def test_one_that_does_not_do_the_work_is_refused_and_closed(kind: type[DiscFinder], reason: str) -> None:
    refused = kind()
    with pytest.raises(NoBackend, match=f"No backend can run {SHIPPED.label}. it: .*{reason}"):
        load_backend(("it",), MANIFEST, {"it": _built(refused)})
    assert refused.closed


def test_when_none_works_every_reason_is_told() -> None:
    factories = {"absent": _absent, "breaking": _built(Breaking())}
    with pytest.raises(NoBackend, match="absent: no such device; breaking: out of memory"):
        load_backend(("absent", "breaking"), MANIFEST, factories)
