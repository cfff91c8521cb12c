"""A built image in real containers: what it holds, that it sells on both rails, and what outlives a container."""

import os

import httpx
import pytest

from sandbox.process import choose_port
from tests.buying import photograph
from tests.clients.cutouts import PRICE, assert_cut_out
from tests.clients.purchase_client import PurchaseClient, Way
from tests.image.conftest import Image, podman, volume_folder

BOTH_RAILS: tuple[Way, ...] = ("x402 v2", "mpp")


def test_it_holds_what_it_must_and_nothing_that_it_must_not(image: Image) -> None:
    ended = image.run("python", "-m", "deploy.smoke_test")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "FAIL" not in ended.stdout


def test_the_check_of_its_contents_can_fail(image: Image) -> None:
    ended = image.run("python", "-m", "deploy.smoke_test", flags=("--user=0:0",))
    assert ended.returncode == 1
    assert "FAIL  is_not_root" in ended.stdout
    assert "FAIL  cannot_change_itself" in ended.stdout


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one CPU has no quota to show")
def test_the_quota_counts_and_not_the_mask(image: Image) -> None:
    script = "import os; from cpu_quota import available_cpus; print(available_cpus(), len(os.sched_getaffinity(0)))"
    bounded = image.run("python", "-c", script, flags=("--cpus=0.5",)).stdout.split()
    free = image.run("python", "-c", script).stdout.split()
    mask = str(len(os.sched_getaffinity(0)))
    assert bounded == ["1", mask]
    assert free == [mask, mask]


def test_without_settings_it_says_what_is_missing(image: Image) -> None:
    ended = image.run("bentoml", "serve", "/app/bento", flags=("--env=CLEARCANVAS_PROFILE=testnet",))
    assert ended.returncode != 0
    assert "CLEARCANVAS_X402__PAY_TO: is missing" in ended.stderr
    assert "CLEARCANVAS_DATABASE_URL" not in ended.stderr  # the image keeps its ledger on a volume by itself


async def test_a_replaced_container_keeps_its_ledger(image: Image, state: str) -> None:
    """Both rails sell; after the container was replaced each payment gets its picture again, and no money moves."""
    picture, port = photograph(quality=88), choose_port(0)
    bought = {}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        with image.serve(state, port) as first:
            assert first.run("python", "-m", "deploy.healthcheck").returncode == 0
            for way in BOTH_RAILS:
                buyer = PurchaseClient(first, client, way)
                earned, payment = buyer.earned(), await buyer.sign(picture)
                answer = await buyer.post(picture, payment)
                assert answer.status_code == 200, first.logs()[-4000:]
                assert_cut_out(answer.content, size=(512, 512))
                assert buyer.earned() - earned == PRICE
                bought[way] = (payment, answer.content)
            assert (volume_folder(state) / "ledger.sqlite3").is_file()
        with image.serve(state, port) as second:
            assert second.name != first.name
            for way, (payment, content) in bought.items():
                buyer = PurchaseClient(second, client, way)
                earned = buyer.earned()
                again = await buyer.post(picture, payment)
                assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (200, "true"), again.text
                assert again.content == content
                assert buyer.earned() == earned


async def test_told_to_stop_it_ends_by_itself(image: Image, state: str) -> None:
    with image.serve(state) as container:
        podman("stop", "--time=60", container.name)
        code = podman("inspect", "--format", "{{.State.ExitCode}}", container.name).stdout.strip()
        assert code in ("0", "143"), container.logs()[-4000:]


async def test_one_image_is_the_api_and_the_runner(image: Image, state: str) -> None:
    token = "what both containers of this test share, 32 bytes"
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        with image.serve_runner("127.0.0.2", token) as runner:
            settings = {"CLEARCANVAS_RUNNER__ADDRESSES": runner.url, "CLEARCANVAS_RUNNER__TOKEN": token}
            with image.serve(state, settings=settings) as api:
                buyer, picture = PurchaseClient(api, client, "x402 v2"), photograph(quality=87)
                answer = await buyer.post(picture, await buyer.sign(picture))
                assert answer.status_code == 200, api.logs()[-4000:] + runner.logs()[-4000:]
                assert_cut_out(answer.content, size=(512, 512))
            metrics = await client.get(f"{runner.url}/metrics")
            assert 'clearcanvas_batch_size_sum{model="clearcanvas-matte-6"}' in metrics.text
