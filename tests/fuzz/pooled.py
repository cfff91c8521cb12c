"""One mutated file through a decoder process, as the service decodes it."""

from functools import cache

from errors import InvalidImage
from imaging import ImageFormat, probe
from imaging.isolated.pool import DecoderPool


@cache
def _pool() -> DecoderPool:
    """Of two, as one may be starting; its processes end with this one."""
    return DecoderPool(2).__enter__()


def through_the_pool(body: bytes, declared: ImageFormat) -> str:
    """Probe and decode; "decoded", "refused", or "ended a decoder", which is a refusal as well.

    Raises:
        Exception: anything but a refusal, which is a fault.
    """
    info = None
    try:
        info = probe(body, declared, 10_000)
        before = set(_pool().pids)
        _pool().decode(body, info)
    except InvalidImage:
        return "refused" if info is None or before <= set(_pool().pids) else "ended a decoder"
    return "decoded"
