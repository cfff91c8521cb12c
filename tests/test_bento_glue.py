"""What is changed about BentoML: which requests reach our application, and by which path."""

from collections.abc import Iterator
from types import ModuleType

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from uvicorn.config import HTTP_PROTOCOLS

from tests.fakes.serving import TRUST, serving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of BentoML, as it is imported
BENTOML = Response(status_code=204)


async def _ours(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(scope["path"], status_code=200)(scope, receive, send)


@pytest.fixture
def glue() -> Iterator[ModuleType]:
    """No application is set before and after."""
    import bento_glue  # noqa: PLC0415  # BentoML warns as it is imported

    yield bento_glue
    bento_glue.BypassBentoRoutes.application = None


def test_a_connection_goes_straight_to_our_application(glue: ModuleType) -> None:
    """And not through what the server was given."""
    glue.bypass_bentoml(_ours)
    with serving(BENTOML, glue._connection) as url:
        assert httpx.get(url, trust_env=False, verify=TRUST).status_code == 200


def test_without_an_application_of_ours_the_server_keeps_its_own(glue: ModuleType) -> None:
    with serving(BENTOML, glue._connection) as url:
        assert httpx.get(url, trust_env=False, verify=TRUST).status_code == 204


async def test_requests_bypass_bentoml_and_the_lifespan_does_not(glue: ModuleType) -> None:
    seen: list[str] = []

    async def bentoml(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    glue.bypass_bentoml(_ours)
    app = glue.BypassBentoRoutes(bentoml)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://it") as client:
        assert (await client.get("/docs.json")).text == "/docs.json"
    await app({"type": "lifespan"}, _never, _nowhere)
    assert seen == ["lifespan"]


async def test_a_path_without_a_slash_gets_one(glue: ModuleType) -> None:
    """That of `OPTIONS *`, and absolute URLs."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    glue.bypass_bentoml(_ours)
    await glue.BypassBentoRoutes(BENTOML)({"type": "http", "method": "OPTIONS", "path": "*"}, _never, send)
    assert sent[1]["body"] == b"/*"


def test_uvicorn_has_the_entry_that_is_replaced() -> None:
    """`change_bentoml` sets it, because BentoML leaves the choice to uvicorn."""
    assert "auto" in HTTP_PROTOCOLS


async def _never() -> Message:
    raise AssertionError("nothing is read")


async def _nowhere(_: Message) -> None:
    raise AssertionError("nothing is sent")
