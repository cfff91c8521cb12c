"""The bundle of the test wallet, which each service of the sandbox makes if it is missing."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.browser_wallet import ESBUILD, build, load

pytestmark = pytest.mark.skipif(not ESBUILD.exists(), reason="the JavaScript clients are not installed: make setup")


def test_services_that_start_together_bundle_the_wallet_together(tmp_path: Path) -> None:
    """A service did not start when another one took the file that it was writing."""
    with ThreadPoolExecutor(4) as pool:
        files = set(pool.map(build, [tmp_path] * 4))
    assert files == set(tmp_path.iterdir()), "one bundle, and nothing beside it"
    assert len(load(tmp_path) or b"") > 100_000
