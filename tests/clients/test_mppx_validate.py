"""`mppx validate`, the conformance tool of MPP for servers, run against the service: discovery, challenge, payment."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from sandbox.accounts import BUYER, SELLER
from tests.clients.cutouts import PRICE
from tests.fakes.picture_proxy import PictureProxy
from tests.fakes.serving import serving
from tests.running_service import RunningService

NODE = Path(__file__).parents[2] / "examples" / "node"


def test_the_official_validator_finds_nothing_wrong(running_service: RunningService, picture: bytes) -> None:
    """The tool only sends text, so a proxy puts the picture in; one of its checks really pays."""
    if not (NODE / "node_modules" / ".bin" / "mppx").exists():
        pytest.fail("examples/node/node_modules is missing. Run: make setup")
    earned = running_service.tempo_chain.balance_of(SELLER.address)
    proxy = PictureProxy(running_service.url, picture, "image/jpeg")
    with serving(proxy) as url:
        done = subprocess.run(
            ["node_modules/.bin/mppx", "validate", url, "--yes", "--output-json"],
            cwd=NODE,
            env={
                "PATH": os.environ["PATH"],
                "HOME": os.environ["HOME"],
                "MPPX_CONFIG": "mppx.config.mjs",
                "BUYER_KEY": BUYER.key,
                "TEMPO_RPC_URL": running_service.tempo_chain.rpc_url,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)["summary"]
    assert (summary["failed"], summary["warnings"], summary["skipped"]) == (0, 0, 0), done.stdout
    assert summary["passed"] >= 20
    assert running_service.tempo_chain.balance_of(SELLER.address) - earned == 2 * PRICE, "once on each paid route"
