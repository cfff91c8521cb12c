"""Backends run the network. A probe image shows whether a backend works; installed packages are no proof."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from models import ModelManifest

log = structlog.get_logger(__name__)

Pixels = NDArray[np.uint8]


class BackendError(Exception):
    """A backend cannot be built or fails; the message is for the operator's log."""


class OutOfMemory(BackendError):
    """The device has not enough memory for a batch of this size; a smaller batch may fit."""


class NoBackend(BackendError):
    """No backend passed the probe; the message lists the reason for each."""


class Backend(Protocol):
    """Runs one network, from one thread at a time.

    Attributes:
        name: for logs and responses.
        device: "cpu", where larger batches gain nothing, or the kind of accelerator: "cuda".
        max_batch: maximum images per batch; None where only memory limits it.
    """

    name: str
    device: str
    max_batch: int | None

    def infer(self, images: Pixels) -> Pixels:
        """uint8 RGB [N,S,S,3] → uint8 alpha [N,S,S], 255 foreground.

        Raises:
            OutOfMemory: the device has not enough memory for this batch.
            BackendError: the runtime failed.
        """
        ...

    def close(self) -> None:
        """Release memory and devices."""
        ...


Factory = Callable[[ModelManifest], Backend]
"""Builds a backend; raises `BackendError` with the reason if this machine cannot run it."""


def load_backend(order: Sequence[str], manifest: ModelManifest, factories: Mapping[str, Factory]) -> Backend:
    """The first backend in `order` that can be built and passes the probe; the log says why others were rejected.

    Raises:
        NoBackend: none can.
        KeyError: `order` names a backend without a factory.
    """
    refusals: dict[str, str] = {}
    for name in order:
        try:
            backend = _checked(factories[name](manifest), manifest.input.size)
        except BackendError as refusal:
            refusals[name] = str(refusal)
        else:
            log.info("backend_accepted", backend=backend.name, model=manifest.label, refused=refusals)
            return backend
    reasons = "; ".join(f"{name}: {reason}" for name, reason in refusals.items())
    raise NoBackend(f"No backend can run {manifest.label}. {reasons}.")


def _checked(backend: Backend, size: int) -> Backend:
    try:
        _check_probe(backend, size)
    except BackendError:
        backend.close()
        raise
    return backend


def _check_probe(backend: Backend, size: int) -> None:
    """The probe's disc must be foreground, its corners background, and other images in the batch must not matter."""
    image = probe_image(size)
    alone = backend.infer(image[None])
    together = backend.infer(np.stack([np.full_like(image, 128), image]))
    if alone.shape != (1, size, size) or together.shape != (2, size, size) or alone.dtype != np.uint8:
        raise BackendError(f"the probe returned {alone.dtype} {alone.shape} and {together.shape}")
    corners = alone[0, [0, 0, -1, -1], [0, -1, 0, -1]]
    middle = int(alone[0, size // 2, size // 2])
    if middle - int(corners.max()) < PROBE_CONTRAST:
        raise BackendError(
            f"the probe's middle is {middle}, its corners {corners.tolist()}: it was not separated from the background"
        )
    difference = int(np.abs(together[1].astype(np.int16) - alone[0]).max())
    if difference > PROBE_TOLERANCE:
        raise BackendError(f"the probe differs by {difference} of 255 when another image is in the same batch")


PROBE_CONTRAST = 128
PROBE_TOLERANCE = 4


def probe_image(size: int) -> Pixels:
    """uint8 [S,S,3]: a dark red disc of a quarter of the width on pale grey."""
    rows, columns = np.ogrid[:size, :size]
    disc = (rows - size / 2) ** 2 + (columns - size / 2) ** 2 < (size / 4) ** 2
    return np.where(disc[..., None], np.array([150, 30, 30], np.uint8), np.array([225, 225, 225], np.uint8))
