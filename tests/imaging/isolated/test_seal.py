"""What a codec that was taken over could reach: nothing."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from errors import InvalidImage
from imaging.isolated.buffers import REUSABLE_BUFFERS
from imaging.isolated.pool import IS_POSSIBLE, DecoderPool
from tests.imaging.isolated.test_pool import INFO, assert_serves, opened

pytestmark = pytest.mark.skipif(not IS_POSSIBLE, reason="decoders can be isolated on Linux only")

KEY = "CLEARCANVAS_X402__SETTLEMENT_KEY"


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    """Started by a process that has a key in its environment."""
    os.environ[KEY] = "0x" + "5e" * 32
    try:
        with opened() as pool:
            yield pool
    finally:
        del os.environ[KEY]


@pytest.mark.parametrize(
    "order",
    [
        "read /proc/SERVICE/environ",
        "read /proc/SERVICE/mem",
        "read /etc/passwd",
        "read /proc/self/environ",
        "socket",
        "connect",
        "run",
        "fork",
        "kill SERVICE",
        "look-into SERVICE",
        "limit SERVICE",
        "limit 0",
        "own-the-socket SERVICE",
    ],
)
def test_the_kernel_refuses_a_decoder_everything_but_its_work(pool: DecoderPool, order: str) -> None:
    """SERVICE is the process that it decodes for."""
    order = order.replace("SERVICE", str(os.getpid()))
    with pytest.raises(InvalidImage, match="OSError: Function not implemented"):
        pool.decode(order.encode(), INFO)
    assert_serves(pool)


def test_a_decoder_knows_no_key(pool: DecoderPool) -> None:
    known = psutil.Process(pool.pids[0]).environ()
    assert not [name for name in known if name.startswith(("CLEARCANVAS_", "BENTOML_"))]
    with pytest.raises(InvalidImage) as told:
        pool.decode(b"environment", INFO)
    assert "CLEARCANVAS" not in told.value.detail


def test_a_decoder_holds_one_socket_and_nothing_else(pool: DecoderPool) -> None:
    """Not the service's listening sockets, nor its database, nor its log."""
    assert_serves(pool)
    held = [each.readlink().name for each in Path(f"/proc/{pool.pids[0]}/fd").iterdir()]
    kinds = Counter(re.sub(r":.*", "", name) for name in held)
    assert 1 <= kinds.pop("memfd") <= REUSABLE_BUFFERS
    assert kinds == {"null": 3, "socket": 1}


def test_the_filter_is_on_in_every_thread(pool: DecoderPool) -> None:
    status = Path(f"/proc/{pool.pids[0]}/status").read_text().splitlines()
    lines = dict(line.split(":", 1) for line in status)
    assert lines["Seccomp"].strip() == "2"
    assert lines["NoNewPrivs"].strip() == "1"
