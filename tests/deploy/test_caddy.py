"""The Caddyfile as Caddy itself runs it, before API hosts of their own that do not answer."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from errors import Unavailable
from sandbox.process import ManagedProcess, choose_port
from tests.deploy.programs import DEPLOY, json_of, program
from tests.fakes.serving import TRUST

CONFIG: list[str | Path] = ["--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile"]


def environ(folder: Path, site: str, hosts: str) -> dict[str, str]:
    own = {"SITE": site, "ACME_EMAIL": "nobody@cutouts.example", "UPSTREAMS": "hosts", "API_HOSTS": hosts}
    return {**os.environ, **own, "CADDY_ADMIN": f"127.0.0.1:{choose_port(0)}", "HOME": str(folder)}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """URL of a Caddy behind which nobody listens."""
    site, nobody = f"http://127.0.0.1:{choose_port(0)}", f"127.0.0.1:{choose_port(0)}"
    command = [program("caddy"), "run", *CONFIG]
    with ManagedProcess("Caddy", command, env=environ(tmp_path, site, nobody)) as caddy:
        caddy.wait_until(lambda: _answers(site), 20)
        yield site


def _answers(site: str) -> bool:
    try:
        return httpx.get(f"{site}/metrics", trust_env=False, verify=TRUST).status_code == 404
    except httpx.HTTPError:
        return False


def test_without_an_api_buyers_are_told_to_come_back(site: str) -> None:
    """As by the API itself, but for what only the API knows: what became of a payment."""
    answer = httpx.post(f"{site}/v1/remove-background", content=b"x", trust_env=False, verify=TRUST, timeout=30)
    expected, members = Unavailable(""), answer.json()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(expected.retry_after))
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (members.pop("code"), members.pop("title"), members.pop("status")) == (
        expected.code,
        expected.title,
        expected.status,
    )
    assert members.pop("type") == f"/problems/{expected.code}"
    assert (members.pop("retry_action"), members.pop("retryable")) == (expected.retry_action, True)
    assert members.pop("retry_after") == expected.retry_after
    assert members.pop("detail")
    assert not members  # no `charged`, no `payment_state`


def test_hosts_that_cannot_sell_get_no_new_requests(tmp_path: Path) -> None:
    adapted = json_of(
        [program("caddy"), "adapt", "--validate", *CONFIG],
        cwd=DEPLOY,
        environ=environ(tmp_path, "http://cutouts.example", "api1.internal:3000 api2.internal:3000"),
    )
    text = yaml.safe_dump(adapted)
    assert re.findall(r"dial: (\S+)", text) == ["api1.internal:3000", "api2.internal:3000"]
    assert "uri: /readyz" in text
