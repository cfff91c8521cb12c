"""The runner's HTTP interface, from the connection to the batcher: on a Unix socket and on a port."""

import asyncio
import pickle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from errors import Overloaded, ProcessingFailed, RunnerUnavailable
from runners.app import RunnerApp, ServedModel
from runners.backend import BackendError, Pixels
from runners.batcher import Batcher
from runners.connection import RunnerConnection
from runners.state import STATE, WITHIN, State
from tests.fakes.machines import Machine
from tests.fakes.serving import TRUST

SIDE = 8
IMAGE = np.arange(SIDE * SIDE * 3, dtype=np.uint8).reshape(SIDE, SIDE, 3)
BODY = IMAGE.tobytes()


@asynccontextmanager
async def running(app: ASGIApp, **where: Any) -> AsyncIterator[uvicorn.Server]:
    """uvicorn as BentoML's worker runs it, with the runner's protocol."""
    config = uvicorn.Config(app, http="h11", lifespan="off", log_config=None, access_log=False, **where)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # it has no event for it
        await asyncio.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def app(machine: Machine) -> RunnerApp:
    batcher = Batcher(machine.run, limit=2, max_wait_s=60)
    other = Batcher(lambda images: 255 - images[..., 0], limit=1, max_wait_s=60)
    return RunnerApp({"matte": ServedModel(SIDE, "it", batcher), "a model": ServedModel(SIDE, "other", other)})


@pytest.fixture
async def runner(app: RunnerApp) -> AsyncIterator[RunnerConnection]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "it.sock"
        async with running(app, uds=str(path)), RunnerConnection(f"file://{path}") as connection:
            yield connection


@pytest.fixture
async def http(app: RunnerApp) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://runner") as client:
        yield client


async def test_infer_returns_alpha_and_state(runner: RunnerConnection) -> None:
    alpha, state = await runner.infer("matte", IMAGE, within_s=10)
    assert np.array_equal(alpha, IMAGE[..., 0])
    assert (state.backend, state.waiting, state.batch_limit, state.fault) == ("it", 0, 2, None)
    assert state.picture_s > 0


async def test_each_model_has_its_own_queue(runner: RunnerConnection, machine: Machine) -> None:
    machine.hold()
    held = asyncio.create_task(runner.infer("matte", IMAGE, within_s=60))
    await asyncio.to_thread(machine.wait_until_begun)
    alpha, state = await runner.infer("a model", IMAGE, within_s=10)
    assert np.array_equal(alpha, 255 - IMAGE[..., 0])
    assert state.backend == "other"
    machine.release()
    await held


async def test_a_large_picture_is_sent_without_a_warning() -> None:
    """aiohttp warns of bytes over one megabyte, and warnings are errors here."""
    side = 700
    batcher = Batcher(lambda images: np.ascontiguousarray(images[..., 1]), limit=1, max_wait_s=60)
    app = RunnerApp({"matte": ServedModel(side, "it", batcher)})
    image = np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "it.sock"
        async with running(app, uds=str(path)), RunnerConnection(f"file://{path}") as connection:
            alpha, _ = await connection.infer("matte", image, within_s=10)
    assert np.array_equal(alpha, image[..., 1])


async def test_a_tcp_port_works_like_a_unix_socket(app: RunnerApp) -> None:
    async with running(app, host="127.0.0.1", port=0) as server:
        [listener] = server.servers[0].sockets
        async with RunnerConnection(f"http://127.0.0.1:{listener.getsockname()[1]}") as connection:
            assert (await connection.state("matte")).fault is None
            alpha, _ = await connection.infer("matte", IMAGE, within_s=10)
    assert np.array_equal(alpha, IMAGE[..., 0])


async def test_a_missing_runner_is_unavailable(tmp_path: Path) -> None:
    async with RunnerConnection(f"file://{tmp_path}/none.sock") as connection:
        with pytest.raises(RunnerUnavailable):
            await connection.infer("matte", IMAGE, within_s=1)
        with pytest.raises(RunnerUnavailable):
            await connection.state("matte")


async def test_an_unknown_model_is_unavailable(runner: RunnerConnection) -> None:
    with pytest.raises(RunnerUnavailable):
        await runner.infer("nobody", IMAGE, within_s=1)
    with pytest.raises(RunnerUnavailable):
        await runner.state("nobody")


@pytest.mark.parametrize("state", [None, b"{", b"[]", b'{"wait": 1}'])
async def test_a_foreign_server_is_unavailable(state: bytes | None) -> None:
    async def foreign_server(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [] if state is None else [(STATE.lower().encode(), state)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(SIDE * SIDE)})

    with TemporaryDirectory() as folder:
        path = Path(folder) / "it.sock"
        async with running(foreign_server, uds=str(path)), RunnerConnection(f"file://{path}") as connection:
            with pytest.raises(RunnerUnavailable):
                await connection.state("matte")
            with pytest.raises(RunnerUnavailable):
                await connection.infer("matte", IMAGE, within_s=10)


async def test_a_backend_error_is_processing_failed(runner: RunnerConnection, machine: Machine) -> None:
    def fails(images: Pixels) -> None:
        raise BackendError("not a number")

    machine.fails = fails
    with pytest.raises(ProcessingFailed):
        await runner.infer("matte", IMAGE, within_s=10)


async def test_overloaded_carries_retry_after(runner: RunnerConnection, machine: Machine) -> None:
    machine.hold()
    held = [asyncio.create_task(runner.infer("matte", IMAGE, within_s=60))]
    await asyncio.to_thread(machine.wait_until_begun)
    with pytest.raises(Overloaded) as refusal:
        await runner.infer("matte", IMAGE, within_s=0.05)
    assert refusal.value.retry_after == 1
    machine.release()
    await asyncio.gather(*held)


async def test_a_disconnected_client_leaves_the_queue(
    runner: RunnerConnection, app: RunnerApp, machine: Machine
) -> None:
    machine.hold()
    held = asyncio.create_task(runner.infer("matte", IMAGE, within_s=60))
    await asyncio.to_thread(machine.wait_until_begun)
    disconnected = [asyncio.create_task(runner.infer("matte", IMAGE, within_s=60)) for _ in range(3)]
    await _until_waiting(runner, 3)
    for task in disconnected:
        task.cancel()
    await _until_waiting(runner, 0)
    machine.release()
    await held
    assert machine.batches == [1]


async def _until_waiting(runner: RunnerConnection, count: int) -> None:
    async with asyncio.timeout(10):
        while (await runner.state("matte")).waiting != count:  # noqa: ASYNC110  # what another process would ask
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY[1:], {WITHIN: "1"}),
        (BODY + b"x", {WITHIN: "1"}),
        (BODY, {}),
        (BODY, {WITHIN: "soon"}),
        (BODY, {WITHIN: "nan"}),
        (BODY, {WITHIN: "-1"}),
        (BODY, {WITHIN: "inf"}),
    ],
)
async def test_an_invalid_body_or_deadline_is_rejected(
    http: httpx.AsyncClient, machine: Machine, body: bytes, headers: dict[str, str]
) -> None:
    answer = await http.post("/infer/matte", content=body, headers=headers)
    assert answer.status_code == 400
    assert machine.batches == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/infer"), ("POST", "/models/matte"), ("GET", "/infer/matte"), ("GET", "/docs.json"), ("POST", "/")],
)
async def test_there_are_no_other_routes(http: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await http.request(method, path, content=BODY, headers={WITHIN: "1"})).status_code == 404


class _Marks:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self._path,)


@pytest.mark.parametrize("path", ["/infer", "/infer/matte", "/infer_1", "/"])
async def test_no_request_body_is_unpickled(http: httpx.AsyncClient, tmp_path: Path, path: str) -> None:
    marked = tmp_path / "marked"
    body = pickle.dumps(_Marks(marked)).ljust(len(BODY))
    headers = {"Content-Type": "application/vnd.bentoml+pickle", WITHIN: "5"}
    await http.post(path, content=body, headers=headers)
    assert not marked.exists()
    pickle.loads(body)  # noqa: S301  # our own
    assert marked.exists()


TOKEN = "the token of this test, thirty-two bytes and more"


@pytest.fixture
async def guarded(machine: Machine) -> AsyncIterator[httpx.AsyncClient]:
    batcher = Batcher(machine.run, limit=1, max_wait_s=60)
    app = RunnerApp({"matte": ServedModel(SIDE, "it", batcher)}, token=TOKEN)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://runner") as client:
        yield client


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {TOKEN}."}])
async def test_without_the_token_the_body_is_not_read(
    guarded: httpx.AsyncClient, machine: Machine, headers: dict[str, str]
) -> None:
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(True)
        yield BODY

    for content in (body(), pickle.dumps(IMAGE)):
        answer = await guarded.post("/infer/matte", content=content, headers={WITHIN: "5", **headers})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (await guarded.get("/models/matte", headers=headers)).status_code == 401
    assert not read
    assert not machine.batches


async def test_with_the_token_it_works(guarded: httpx.AsyncClient) -> None:
    headers = {WITHIN: "5", "Authorization": f"Bearer {TOKEN}", "Content-Length": str(len(BODY))}
    answer = await guarded.post("/infer/matte", content=BODY, headers=headers)
    assert answer.content == IMAGE[..., 0].tobytes()


async def test_probes_need_no_token(guarded: httpx.AsyncClient) -> None:
    assert [(await guarded.get(path)).status_code for path in ("/livez", "/readyz")] == [200, 200]
    metrics = (await guarded.get("/metrics")).text
    assert 'clearcanvas_runner_waiting{model="matte"} 0.0' in metrics
    assert 'clearcanvas_runner_wait_seconds{model="matte"} 0.0' in metrics


async def test_a_stopping_runner_reports_a_fault_and_still_serves(machine: Machine) -> None:
    app = RunnerApp({"matte": ServedModel(SIDE, "it", Batcher(machine.run, limit=1, max_wait_s=60))})
    app.stopping = True
    async with running(app, host="127.0.0.1", port=0) as server:
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        async with (
            RunnerConnection(url) as connection,
            httpx.AsyncClient(base_url=url, trust_env=False, verify=TRUST) as client,
        ):
            assert (await connection.state("matte")).fault == "The matting runner is stopping."
            alpha, _ = await connection.infer("matte", IMAGE, within_s=10)
            assert np.array_equal(alpha, IMAGE[..., 0])
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.text) == (503, "The matting runner is stopping.")
            assert (await client.get("/livez")).status_code == 200


async def test_a_request_for_another_version_is_unavailable(machine: Machine, tmp_path: Path) -> None:
    models = {"matte": ServedModel(SIDE, "it", Batcher(machine.run, limit=1, max_wait_s=60))}
    app = RunnerApp(models, versions={"matte": "12345678"})
    path = tmp_path / "it.sock"
    async with running(app, uds=str(path)), RunnerConnection(f"file://{path}") as connection:
        for model in ("matte", "matte@12345678"):
            assert (await connection.state(model)).fault is None
        with pytest.raises(RunnerUnavailable, match="does not serve this model"):
            await connection.state("matte@87654321")
        with pytest.raises(RunnerUnavailable):
            await connection.infer("matte@87654321", IMAGE, within_s=10)
    assert not machine.batches


def test_unknown_members_of_a_state_are_ignored() -> None:
    state = State(wait_s=1.0, picture_s=0.1, waiting=3, batch_limit=2, backend="it")
    assert State.from_json(state.to_json().replace("{", '{"new": [1], ', 1)) == state
    for text in ("[]", "{}", "1", "nothing"):
        with pytest.raises(ValueError, match=r"."):
            State.from_json(text)
