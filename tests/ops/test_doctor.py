"""`doctor`: each fault is made for real, and is found with its remedy."""

import asyncio
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

import storage
from config import Settings, load
from models import MODELS
from ops.doctor.ledger import examine_ledger, examine_redis
from ops.doctor.machine import examine_machine, examine_models
from ops.doctor.rails import examine_rails
from payments import Finding, Level
from payments.x402.fees import GAS_LIMIT, MIN_TIP_WEI
from sandbox import chains
from sandbox.accounts import SETTLER, STRANGER
from sandbox.chains import BaseChain, TempoChain
from settings_types import account_of
from storage import Database
from tests.fakes.file_server import serve_file
from tests.fakes.remote_signer import FAILURES, LIES, REFUSALS, remote_signer
from tests.fakes.talkative_redis import talkative_redis
from tests.ops.chains import on_chains
from tests.ops.conftest import Operator

NOBODY = "http://127.0.0.1:9/marked-key"


@pytest.fixture
def selling(sqlite_operator: Operator, base_chain: BaseChain, tempo_chain: TempoChain) -> Operator:
    """With nothing to find."""
    return on_chains(sqlite_operator, base_chain, tempo_chain)


def settings_of(operator: Operator, **changes: str) -> Settings:
    return load(operator.environment | {f"CLEARCANVAS_{name}": value for name, value in changes.items()})


def bad(found: Sequence[Finding]) -> dict[str, Finding]:
    """What is not good, by its part. Each has a remedy."""
    wrong = {each.part: each for each in found if each.level is not Level.GOOD}
    assert all(each.remedy for each in wrong.values())
    return wrong


def of_rails(operator: Operator, **changes: str) -> dict[str, Finding]:
    return bad(asyncio.run(examine_rails(settings_of(operator, **changes))))


def of_ledger(url: str) -> dict[str, Finding]:
    return bad(asyncio.run(examine_ledger(load({"CLEARCANVAS_DATABASE_URL": url}))))


def test_where_nothing_is_wrong_everything_is_good(selling: Operator) -> None:
    ran = selling.run("doctor", "--json")
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert {each["level"] for each in found} == {"good"}
    parts = {each["part"] for each in found}
    assert parts >= {"settings", "ledger", "clock", "rate limits", "model", "GPU", "backend", "x402 gas", "x402", "mpp"}
    assert parts >= {"x402 RPC URL 1", "mpp RPC URL 1", "x402 balance", "mpp balance", "x402 clock", "mpp clock"}


def test_a_fault_is_an_exit_code_and_names_its_settings(selling: Operator) -> None:
    selling.environment["CLEARCANVAS_X402__RPC_URL"] = NOBODY
    ran = selling.run("doctor")
    assert ran.exit_code == 1
    assert "FAULT   x402 RPC URL 1" in ran.stdout
    assert "(CLEARCANVAS_X402__RPC_URL)" in ran.stdout
    assert "marked-key" not in ran.output


def test_settings_that_cannot_be_used(selling: Operator) -> None:
    selling.environment["CLEARCANVAS_X402__PAY_TO"] = "0x12"
    ran = selling.run("doctor")
    assert ran.exit_code == 1
    assert "CLEARCANVAS_X402__PAY_TO: must be a 0x address" in ran.stdout


def test_a_url_of_another_chain(selling: Operator, tempo_chain: TempoChain) -> None:
    found = of_rails(selling, X402__FALLBACK_RPC_URL=tempo_chain.rpc_url)
    assert "Leads to chain 42431, not 84532" in found["x402 RPC URL 2"].says
    assert found["x402 RPC URL 2"].settings == ("x402.fallback_rpc_url",)


def test_chains_that_do_not_answer(selling: Operator) -> None:
    found = of_rails(selling, X402__RPC_URL=NOBODY, MPP__RPC_URL=NOBODY)
    assert set(found) >= {"x402 RPC URL 1", "x402 gas", "x402", "mpp RPC URL 1", "mpp"}


def test_an_address_without_a_token(selling: Operator) -> None:
    found = of_rails(selling, X402__ASSET=STRANGER.address, MPP__CURRENCIES=STRANGER.address)
    assert (found["x402 token"].settings, found["mpp token"].settings) == (("x402.asset",), ("mpp.currencies",))
    assert found["x402"].level is found["mpp"].level is Level.FAULT


@pytest.mark.parametrize(("settlements", "level"), [(0, Level.FAULT), (20, Level.WARNING)])
def test_a_settlement_key_without_gas(selling: Operator, base_chain: BaseChain, settlements: int, level: Level) -> None:
    """The chain's fee falls with each empty block, so what pays for twenty soon pays for some more."""
    base_fee = int(base_chain.rpc.call("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)
    wei = settlements * GAS_LIMIT * (2 * base_fee + MIN_TIP_WEI)
    key = "0x" + secrets.token_hex(32)
    settings = settings_of(selling, X402__SETTLEMENT_KEY=key)
    account = account_of(SecretStr(key))
    base_chain.rpc.call("anvil_setBalance", account, hex(wei))
    found = bad(asyncio.run(examine_rails(settings)))
    assert found["x402 gas"].level is level, found
    assert account in found["x402 gas"].remedy
    assert key not in str(found)


def at_signer(operator: Operator, url: str, **changes: str) -> dict[str, str]:
    del operator.environment["CLEARCANVAS_X402__SETTLEMENT_KEY"]
    return {"X402__SIGNER_URL": url, "X402__SIGNER_ADDRESS": SETTLER.address} | changes


def test_a_remote_signer_that_signs(selling: Operator, base_chain: BaseChain) -> None:
    settings = settings_of(selling, **at_signer(selling, base_chain.rpc_url))
    found = {each.part: each for each in asyncio.run(examine_rails(settings))}
    assert found["x402 signer"].says == f"It signs for {SETTLER.address} on chain 84532."
    assert {each.level for each in found.values()} == {Level.GOOD}


@pytest.mark.parametrize(
    ("name", "says"), [("HTTP 401", "refuses to sign"), ("another key", "something else"), ("HTTP 500", "not respond")]
)
def test_a_remote_signer_that_does_not(selling: Operator, name: str, says: str) -> None:
    with remote_signer() as (signer, url):
        signer.answer = {**LIES, **FAILURES, **REFUSALS}[name]
        found = of_rails(selling, **at_signer(selling, f"{url}/marked-key", X402__SIGNER_TOKEN="marked-token"))
    assert set(found) == {"x402 signer", "x402"}
    assert all(says in each.says for each in found.values())
    assert "x402.signer_url" in found["x402 signer"].settings
    assert "marked" not in str(found)


def test_settling_that_costs_more_than_it_brings(selling: Operator) -> None:
    found = of_rails(selling, X402__ETH_USD="100000000000")
    assert found["x402 cost"].level is Level.FAULT


def test_a_facilitator_that_does_not_answer(selling: Operator) -> None:
    del selling.environment["CLEARCANVAS_X402__SETTLEMENT_KEY"]
    found = of_rails(selling, X402__FACILITATOR_URL="http://127.0.0.1:9")
    assert "does not respond" in found["x402 facilitator"].says


def test_a_chain_whose_clock_is_not_ours(selling: Operator) -> None:
    with chains.base_chain() as ahead:
        ahead.rpc.call("evm_increaseTime", 600)
        ahead.rpc.call("evm_mine")
        found = of_rails(selling, X402__RPC_URL=ahead.rpc_url)
    assert "behind the newest block" in found["x402 clock"].says


def test_a_ledger_that_is_not_there(tmp_path: Path) -> None:
    """And none is made by looking for it."""
    file = tmp_path / "ledger.sqlite3"
    assert "There is no file" in of_ledger(f"sqlite:///{file}")["ledger"].says
    assert not file.exists()
    found = of_ledger("postgresql://user:marked-password@127.0.0.1:1/ledger")["ledger"]
    assert "127.0.0.1:1/ledger" in found.says
    assert "marked-password" not in str(found)


def test_a_database_without_tables(empty_url: str, tmp_path: Path) -> None:
    if empty_url.startswith("sqlite"):
        (tmp_path / "ledger.sqlite3").touch()
    assert "deploy.migrate" in of_ledger(empty_url)["ledger"].remedy


def test_tables_of_another_version(url: str) -> None:
    asyncio.run(storage.migrate(url, to="0006"))
    old = of_ledger(url).get("ledger")
    assert old is None or "deploy.migrate" in old.remedy  # unless 0006 is the newest

    async def run(statement: str) -> None:
        async with Database(url) as database:
            await database.run(text(statement))

    asyncio.run(run("UPDATE alembic_version SET version_num = '9999'"))
    assert "This code is older" in of_ledger(url)["ledger"].remedy


def test_a_database_whose_clock_is_not_ours(skewed_url: tuple[str, int]) -> None:
    url, apart = skewed_url
    says = of_ledger(url)["clock"].says
    assert ("behind" if apart > 0 else "ahead of") in says


def test_a_good_ledger(url: str) -> None:
    assert set(of_ledger(url)) <= {"disk"}


def test_redis_that_does_not_answer_or_refuses() -> None:
    with talkative_redis() as refusing:
        for place in (refusing, "127.0.0.1:9"):
            settings = load({"CLEARCANVAS_RATE_LIMIT__REDIS_URL": f"redis://:marked-password@{place}"})
            found = bad(asyncio.run(examine_redis(settings)))["rate limits"]
            assert found.settings == ("rate_limit.redis_url",)
            assert "marked-password" not in str(found)


def of_models(folder: Path, name: str) -> dict[str, Finding]:
    names = {"CLEARCANVAS_RUNNER__MODELS_FOLDER": str(folder), "CLEARCANVAS_RUNNER__MODEL": name}
    return bad(examine_models(load(names))[0])


@pytest.fixture
def damaged(tmp_path: Path) -> str:
    """A model whose weights are not those that its manifest names."""
    manifest = (MODELS / "clearcanvas-matte-6.toml").read_text()
    (tmp_path / "damaged.toml").write_text(manifest.replace('name = "clearcanvas-matte-6"', 'name = "damaged"', 1))
    for file in (MODELS / "weights").glob("clearcanvas-matte-6*.onnx"):
        (tmp_path / "weights").mkdir(exist_ok=True)
        (tmp_path / "weights" / file.name).write_bytes(b"damaged")
    return "damaged"


def test_models_that_are_not_there_or_not_whole(tmp_path: Path, damaged: str) -> None:
    assert "There is no manifest" in of_models(tmp_path, "nothing")["model"].says
    assert "SHA-256" in of_models(tmp_path, damaged)["model"].says


def of_machine(**changes: str) -> list[Finding]:
    settings = load({f"CLEARCANVAS_RUNNER__{name}": value for name, value in changes.items()})
    return examine_machine(settings, examine_models(settings)[1])


def test_a_gpu_that_is_not_there(no_gpu: None) -> None:
    found = bad(of_machine(BACKEND="cuda"))
    assert set(found) == {"GPU", "backend"}
    assert "--gpus all" in found["GPU"].remedy


def test_engines_that_cannot_be_kept(no_gpu: None) -> None:
    found = bad(of_machine(BACKEND="tensorrt", ENGINES_FOLDER="/dev/null/engines"))
    assert found["engines"].settings == ("runner.engines_folder",)


def test_engines_that_were_refused(no_gpu: None, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"refused": "its alphas are too far from fp32\'s"}')
    found = bad(of_machine(BACKEND="tensorrt", ENGINES_FOLDER=str(tmp_path)))
    assert "1 failed their check" in found["engines"].says


@pytest.fixture
def no_gpu() -> None:
    if Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has a GPU")


def test_a_gpu_is_shown_and_has_to_be_used(selling: Operator, tmp_path: Path) -> None:
    """By what NVIDIA's own program prints."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H200, 580.95.05, 143771 MiB'\n")
    program.chmod(0o755)
    selling.environment |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CLEARCANVAS_RUNNER__BACKEND": "cpu"}
    ran = selling.run("doctor", "--json")
    assert ran.exit_code == 0, ran.output
    found = {each["part"]: each for each in json.loads(ran.stdout)}
    assert found["GPU"]["says"] == "NVIDIA H200, 580.95.05, 143771 MiB"
    assert found["backend"]["level"] == "warning"


def test_runners_on_other_hosts() -> None:
    with serve_file(b"ok") as ready, serve_file(b"") as out:
        out.statuses = [503]
        found = of_machine(ADDRESSES=f"{ready.url.rpartition('/')[0]} {out.url.rpartition('/')[0]} http://127.0.0.1:9")
    assert [each.level for each in found] == [Level.GOOD, Level.FAULT, Level.FAULT]
    assert all(each.remedy for each in found[1:])
