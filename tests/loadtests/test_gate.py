"""The verdict of a load test is its exit code."""

import subprocess
import sys
from pathlib import Path

from tests.fakes.quoting_service import QuotingService
from tests.fakes.serving import serving

ROOT = Path(__file__).parents[2]


def _ask(service: QuotingService, *, at_most: int) -> subprocess.CompletedProcess[str]:
    """Run the load of quotes for three seconds, with a bound in milliseconds."""
    with serving(service) as url:
        return subprocess.run(
            [sys.executable, "-m", "loadtests", "quotes", "--url", url, "--seconds", "3", "--at-most", str(at_most)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def test_a_kept_bound_is_exit_code_0() -> None:
    """Also: about 20 requests a second went out, from as many addresses, and the stages are shown."""
    service = QuotingService()
    done = _ask(service, at_most=5_000)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "KEPT" in done.stdout
    assert 30 <= len(service.addresses) <= 90
    assert len(set(service.addresses)) > len(service.addresses) / 2
    assert "verify" in done.stdout


def test_a_missed_percentile_is_exit_code_1() -> None:
    done = _ask(QuotingService(seconds=0.2), at_most=100)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "MISSED  quote, empty request: p95 is" in done.stdout


def test_an_answer_that_is_no_quote_is_exit_code_1() -> None:
    """However quick it came."""
    done = _ask(QuotingService(status=429), at_most=5_000)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "requests failed" in done.stdout


def test_a_service_that_is_not_there_is_exit_code_1() -> None:
    command = [sys.executable, "-m", "loadtests", "quotes", "--url", "http://127.0.0.1:9", "--seconds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "requests failed" in done.stdout
