"""What can be tried of CUDA's side without a GPU: sizes of batch, and what is made of error codes."""

import pytest

from runners.backend import BackendError, OutOfMemory
from runners.tensorrt.cuda import _BROKEN, call
from runners.tensorrt.device import DeviceLost, captured_sizes, padded


@pytest.mark.parametrize(
    ("limit", "sizes"), [(1, (1,)), (2, (1, 2)), (3, (1, 2, 3)), (18, (1, 2, 4, 8, 16, 18)), (32, (1, 2, 4, 8, 16, 32))]
)
def test_sizes_that_are_captured(limit: int, sizes: tuple[int, ...]) -> None:
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
def test_error_codes_are_told_apart(code: str, kind: type[BackendError]) -> None:
    def fails() -> tuple[object]:
        return (cudart.cudaError_t[code],)

    with pytest.raises(BackendError, match=f"fails: {code}") as raised:
        call(fails)
    assert type(raised.value) is kind


def test_every_code_that_is_named_exists() -> None:
    assert set(cudart.cudaError_t.__members__) >= _BROKEN


def test_values_come_without_their_code() -> None:
    assert call(lambda: (cudart.cudaError_t.cudaSuccess, 7)) == 7
    assert call(lambda: (cudart.cudaError_t.cudaSuccess,)) is None
