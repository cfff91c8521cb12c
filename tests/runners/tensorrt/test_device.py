"""The parts of the CUDA port that need no GPU: batch sizes and error codes."""

import pytest

from runners.backend import BackendError, OutOfMemory
from runners.tensorrt.cuda import _STICKY_ERRORS, call
from runners.tensorrt.device import DeviceLost, captured_sizes, padded


@pytest.mark.parametrize(
    ("limit", "sizes"), [(1, (1,)), (2, (1, 2)), (3, (1, 2, 3)), (18, (1, 2, 4, 8, 16, 18)), (32, (1, 2, 4, 8, 16, 32))]
)
def test_captured_sizes(limit: int, sizes: tuple[int, ...]) -> None:
    assert captured_sizes(limit) == sizes
    for count in range(1, limit + 1):
        assert count <= padded(count, sizes) <= max(1, 2 * count - 1)


cudart = pytest.importorskip("cuda.bindings.runtime", reason="`make setup` installs requirements/tensorrt-check.txt")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("cudaErrorMemoryAllocation", OutOfMemory),
        ("cudaErrorIllegalAddress", DeviceLost),
        ("cudaErrorLaunchFailure", DeviceLost),
        ("cudaErrorInvalidValue", BackendError),
    ],
)
def test_error_codes_are_mapped(code: str, kind: type[BackendError]) -> None:
    def fails() -> tuple[object]:
        return (cudart.cudaError_t[code],)

    with pytest.raises(BackendError, match=f"fails: {code}") as raised:
        call(fails)
    assert type(raised.value) is kind


def test_every_sticky_code_exists() -> None:
    assert set(cudart.cudaError_t.__members__) >= _STICKY_ERRORS


def test_values_are_returned_without_their_code() -> None:
    assert call(lambda: (cudart.cudaError_t.cudaSuccess, 7)) == 7
    assert call(lambda: (cudart.cudaError_t.cudaSuccess,)) is None
