"""A chain that fails on demand, in two ways, and servers that a test starts."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest


@pytest.fixture
def nodes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack
