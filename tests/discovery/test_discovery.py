"""`make discovery-check`: tools of others judge the documents that agents and directories find a service by.

`mppx validate`, which pays, is in tests/clients/test_mppx_validate.py.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.accounts import BUYER
from sandbox.process import ROOT
from tests.buying import unique_photograph
from tests.fakes.paying_proxy import PayingProxy
from tests.fakes.serving import TRUST, serving
from tests.running_service import RunningService

HERE = Path(__file__).parent
EVERYWHERE = {"content-type", "content-length", "date", "server", "cache-control", "vary", "x-content-type-options"}
"""Header fields of HTTP itself, which OpenAPI leaves to it."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
"""Those of schemathesis that ask whether an answer is documented. Others cannot hold: a request that fits the schema is
refused all the same while it is not paid for (402), and for a value that contradicts another one (400)."""


def tool(name: str, folder: Path = HERE / "node_modules") -> Path:
    """A program that `make setup` has installed."""
    program = folder / (".bin" if folder.name == "node_modules" else "bin") / name
    if not program.exists():
        pytest.fail(f"{program} is missing. Run: make setup")
    return program


def run(program: Path, *arguments: str | Path, cwd: Path = HERE, timeout_s: float = 120) -> str:
    """What it prints; fails with it where it ends with a fault."""
    done = subprocess.run(
        [program, *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "REDOCLY_TELEMETRY": "off", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def described(running_service: RunningService, tmp_path: Path) -> Path:
    """The service's OpenAPI description as a file."""
    path = tmp_path / "openapi.json"
    path.write_text(httpx.get(f"{running_service.url}/openapi.json", trust_env=False, verify=TRUST).text)
    return path


def test_the_description_is_openapi(described: Path) -> None:
    run(tool("openapi-spec-validator", ROOT / ".venv-discovery"), described)


def test_a_strict_linter_finds_nothing(described: Path) -> None:
    said = run(tool("redocly"), "lint", "--config", "redocly.yaml", "--format", "stylish", described)
    assert "Your API description is valid" in said


def test_the_linter_would_find_it(described: Path) -> None:
    """Without an operation's summary, for instance."""
    document = json.loads(described.read_text())
    del document["paths"]["/v1/models"]["get"]["summary"]
    described.write_text(json.dumps(document))
    with pytest.raises(AssertionError, match="operation-summary"):
        run(tool("redocly"), "lint", "--config", "redocly.yaml", "--format", "stylish", described)


def test_mpp_directories_can_list_it(running_service: RunningService) -> None:
    mppx = tool("mppx", ROOT / "examples" / "node" / "node_modules")
    assert "valid" in run(mppx, "discover", "validate", f"{running_service.url}/openapi.json")


def test_x402_directories_can_list_it(running_service: RunningService) -> None:
    """Price, rails, and schemas of input and output, from OpenAPI and from the quote itself."""
    said = run(tool("discovery"), running_service.url, "-v")
    assert "[x402, mpp, mpp]" in said
    assert "0.05 USD" in said
    assert "Warnings" not in said, said


@pytest.fixture
def proxy(running_service: RunningService) -> Iterator[tuple[str, PayingProxy]]:
    """Pays for whoever asks through it; its URL."""
    paying = PayingProxy(
        running_service.url,
        unique_photograph(),
        key=BUYER.key,
        tempo_rpc_url=running_service.tempo_chain.rpc_url,
    )
    with serving(paying) as url:
        yield url, paying


@pytest.mark.parametrize("path", ["/v1/remove-background", "/v1.0/removebg"])
def test_every_answer_of_a_paid_route_is_documented(proxy: tuple[str, PayingProxy], tmp_path: Path, path: str) -> None:
    """Hundreds of requests that fit the description, and hundreds that do not, some of them paid: status, media type,
    members and header fields of each answer are what OpenAPI says."""
    url, paying = proxy
    judge_answers(url, tmp_path, "--include-path", path)
    answers = [(status, names) for asked, status, names in paying.answers if asked == path]
    statuses = {status for status, _ in answers}
    assert {200, 400, 402} <= statuses, sorted(statuses)
    assert sum(status == 200 for status, _ in answers) >= 5
    responses = httpx.get(f"{url}/openapi.json", trust_env=False, verify=TRUST).json()["paths"][path]["post"][
        "responses"
    ]
    for status, names in answers:
        documented = {name.lower() for name in responses[str(status)]["headers"]}
        assert names - EVERYWHERE <= documented, (status, names - documented)


def test_every_answer_of_the_free_routes_is_documented(proxy: tuple[str, PayingProxy], tmp_path: Path) -> None:
    judge_answers(proxy[0], tmp_path, "--exclude-path-regex", "remove-?b")


def judge_answers(url: str, folder: Path, *which: str) -> None:
    """Have schemathesis ask; it leaves a folder of what it has sent."""
    schemathesis = tool("schemathesis", ROOT / ".venv-discovery")
    run(
        schemathesis,
        *("run", f"{url}/openapi.json", "--url", url, *which, "--checks", ",".join(CHECKS), "--max-examples", "20"),
        *("--seed", "7", "--workers", "1", "--continue-on-failure", "--request-timeout", "60"),
        cwd=folder,
        timeout_s=240,
    )
