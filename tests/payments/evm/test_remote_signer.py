"""A remote signer is not believed: without exactly what was asked for, there is no signature."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from errors import RailUnavailable
from payments.evm.remote_signer import FRESH_S, REFUSES, SILENT, WRONG, RemoteSigner
from sandbox.accounts import SETTLER, STRANGER
from sandbox.chains import BaseChain
from tests.contracts.signer_contract import CALL, as_eth_account_signs
from tests.fakes import remote_signer as fakes
from tests.fakes.remote_signer import FAILURES, LIES, REFUSALS, TELLS_MORE, remote_signer
from tests.loop_time import loop_time

TIMEOUT_S = 1.0
TOKEN = "marked-token-of-the-signer"


@pytest.fixture
def served() -> Iterator[tuple[fakes.RemoteSigner, str]]:
    with remote_signer() as served:
        yield served


@pytest.fixture
def fake(served: tuple[fakes.RemoteSigner, str]) -> fakes.RemoteSigner:
    return served[0]


@pytest.fixture
async def signer(served: tuple[fakes.RemoteSigner, str]) -> AsyncIterator[RemoteSigner]:
    url = f"{served[1]}/marked-path-of-the-signer"
    signer = RemoteSigner(url, SETTLER.address, chain_id=BaseChain.chain_id, token=TOKEN, timeout_s=TIMEOUT_S)
    yield signer
    await signer.aclose()


async def test_asks_for_exactly_this_transaction(signer: RemoteSigner, fake: fakes.RemoteSigner) -> None:
    assert await signer.sign(CALL) == as_eth_account_signs(CALL)
    assert fake.authorized == [f"Bearer {TOKEN}"]
    assert fake.asked == [
        {
            "from": SETTLER.address,
            "to": CALL.to,
            "data": CALL.data,
            "nonce": hex(CALL.nonce),
            "gas": hex(CALL.gas_limit),
            "maxFeePerGas": hex(CALL.max_fee),
            "maxPriorityFeePerGas": hex(CALL.max_tip),
            "value": "0x0",
            "chainId": hex(CALL.chain_id),
        }
    ]


async def test_takes_an_object_around_the_transaction(signer: RemoteSigner, fake: fakes.RemoteSigner) -> None:
    fake.answer = TELLS_MORE
    assert await signer.sign(CALL) == as_eth_account_signs(CALL)


CASES = [
    *((name, answer, WRONG) for name, answer in LIES.items()),
    *((name, answer, SILENT) for name, answer in FAILURES.items()),
    *((name, answer, REFUSES) for name, answer in REFUSALS.items()),
]


@pytest.mark.parametrize(("answer", "sentence"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
async def test_anything_else_is_no_signature(
    signer: RemoteSigner,
    fake: fakes.RemoteSigner,
    caplog: pytest.LogCaptureFixture,
    answer: fakes.Answer,
    sentence: str,
) -> None:
    """Nor does it work then, and the log shows nothing of what came. Afterwards it signs again."""
    fake.answer = answer
    for attempt in (lambda: signer.sign(CALL), signer.check):
        with pytest.raises(RailUnavailable) as refusal:
            await attempt()
        assert refusal.value.detail == sentence
    assert "eth_signTransaction failed" in caplog.text
    assert "marked" not in caplog.text
    fake.recover()
    await signer.check()
    assert await signer.sign(CALL) == as_eth_account_signs(CALL)


async def test_one_that_does_not_answer_is_waited_for_once(
    signer: RemoteSigner, fake: fakes.RemoteSigner, caplog: pytest.LogCaptureFixture
) -> None:
    """Settlements wait for one another: the next ones must not wait for a time-out each."""
    fake.hangs = True
    async with loop_time() as passed:
        for _ in range(10):
            with pytest.raises(RailUnavailable, match=SILENT):
                await signer.sign(CALL)
    assert passed.seconds < 2 * TIMEOUT_S
    assert len(fake.asked) == 1
    assert "marked" not in caplog.text
    fake.recover()
    with pytest.raises(RailUnavailable, match=SILENT):
        await signer.sign(CALL)
    await signer.check()
    assert await signer.sign(CALL) == as_eth_account_signs(CALL)


async def test_nobody_there(caplog: pytest.LogCaptureFixture) -> None:
    signer = RemoteSigner(
        "http://127.0.0.1:9/marked", SETTLER.address, chain_id=BaseChain.chain_id, token=TOKEN, timeout_s=TIMEOUT_S
    )
    with pytest.raises(RailUnavailable, match=SILENT):
        await signer.check()
    await signer.aclose()
    with pytest.raises(RailUnavailable, match="is stopping"):
        await signer.sign(CALL)
    assert "marked" not in caplog.text


async def test_what_it_has_signed_lately_shows_that_it_works(signer: RemoteSigner, fake: fakes.RemoteSigner) -> None:
    """So a busy service asks for no more signatures than it needs."""
    await signer.sign(CALL)
    await signer.check()
    assert len(fake.asked) == 1
    assert FRESH_S < 60


async def test_its_check_moves_nothing(signer: RemoteSigner, fake: fakes.RemoteSigner) -> None:
    """It is for a nonce that no account ever has, at a fee of 0, without money or a call."""
    await signer.check()
    [probe] = fake.asked
    assert (probe["to"], probe["data"], probe["value"], probe["maxFeePerGas"]) == (SETTLER.address, "0x", "0x0", "0x0")
    assert int(probe["nonce"], 16) == 2**64 - 2


async def test_a_check_finds_that_it_signs_for_another_account(served: tuple[fakes.RemoteSigner, str]) -> None:
    signer = RemoteSigner(served[1], STRANGER.address, chain_id=BaseChain.chain_id, token=None, timeout_s=TIMEOUT_S)
    with pytest.raises(RailUnavailable, match=WRONG):
        await signer.check()
    await signer.aclose()
    assert served[0].authorized == [None]


async def test_a_signature_that_nobody_waits_for_any_more(signer: RemoteSigner, fake: fakes.RemoteSigner) -> None:
    """It was given up before the time limit: the next one is asked for, and is not confused with it."""
    fake.hangs = True
    asking = asyncio.create_task(signer.sign(CALL))
    async with asyncio.timeout(5):
        while not fake.asked:  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    fake.recover()
    assert await signer.sign(CALL) == as_eth_account_signs(CALL)
