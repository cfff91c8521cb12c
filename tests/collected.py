"""What collecting makes lives as long as the process: some thousand tests and all modules. The garbage collector does
not look at it, neither meanwhile nor again and again during the tests: that took a tenth of their CPU time."""

import gc
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
