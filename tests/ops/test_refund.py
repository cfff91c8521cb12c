"""`refund` on real chains: both rails, both databases, and a crash after each step."""

import asyncio
import json
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex

import pytest
from eth_account import Account

from config import load
from payments import Receipt
from payments.evm.abi import checksummed
from payments.rail import Payment
from payments.rail_info import RailSection
from payments.refunds import Refund, Standing, open_refunder
from sandbox.accounts import SETTLER
from sandbox.calls import call_data
from sandbox.chains import BaseChain, Chain, TempoChain
from storage import Database, RecordState, SqlLedger, SqlRefunds, SqlSettled
from tests.fakes.crashing_refunds import Crash, CrashingRefunds, Step
from tests.fakes.talkative_proxy import TalkativeProxy
from tests.ops.chains import on_chains
from tests.ops.conftest import Operator
from tests.storage.planting import planted

PAID = 50_000
FINAL_AFTER = 2
EVIDENCE = {"x402": "asset", "mpp": "currency"}


@dataclass
class Shop:
    """An operator with one sold picture, and an account that can pay it back."""

    operator: Operator
    chain: Chain
    rail: str
    payment: Payment
    key: str
    key_file: Path

    @property
    def account(self) -> str:
        return str(Account.from_key(self.key).address)

    @property
    def section(self) -> RailSection:
        settings = load(self.operator.environment)
        return next(section for info, section in settings.rails() if info.name == self.rail)

    def returned(self) -> int:
        """What the payer has got back."""
        return self.chain.balance_of(self.payment.payer)

    def refund(self, *words: str, answer: str = "") -> tuple[int, str]:
        ran = self.operator.run("refund", self.payment.id, "--key-file", str(self.key_file), *words, answer=answer)
        return ran.exit_code, ran.output

    def record(self) -> Refund | None:
        return self.operator.ledger(lambda database: SqlRefunds(database).find(self.payment.id))


async def sold(database: Database, payment: Payment, network: str) -> None:
    """A payment that is settled and final."""
    ledger = SqlLedger(database)
    claim = await ledger.claim(payment, seen=None, fingerprint="print", order_digest="order", lease_s=60)
    assert claim
    assert await ledger.begin_settlement(claim, lease_s=60)
    receipt = Receipt(payment.rail, network, f"0x{token_hex(32)}", payment.payer, int(time.time()))
    assert await ledger.settled(payment.id, receipt)
    assert await SqlSettled(database).final(payment)


def opened(operator: Operator, rail: str, base: BaseChain, tempo: TempoChain, folder: Path) -> Shop:
    on_chains(operator, base, tempo)
    for name in EVIDENCE:
        operator.environment[f"CLEARCANVAS_{name.upper()}__FINALITY_BLOCKS"] = str(FINAL_AFTER)
    chain: Chain = base if rail == "x402" else tempo
    evidence = {EVIDENCE[rail]: chain.token, "network": f"eip155:{chain.chain_id}"}
    payment = Payment(f"payment {token_hex(8)}", rail, new_account(), PAID, 1_900_000_000, evidence)
    operator.ledger(lambda database: sold(database, payment, f"eip155:{chain.chain_id}"))
    key = "0x" + token_hex(32)
    (folder / "refund_key").write_text(f"{key}\n")
    shop = Shop(operator, chain, rail, payment, key, folder / "refund_key")
    chain.fund(shop.account, 1_000_000)
    # Tempo has no coin of its own, and gas is paid in the token; anvil asks for a balance nevertheless.
    chain.rpc.call("anvil_setBalance", shop.account, hex(10**18))
    return shop


def new_account() -> str:
    return str(Account.from_key("0x" + token_hex(32)).address).lower()


@pytest.fixture(params=EVIDENCE)
def shop(
    request: pytest.FixtureRequest, operator: Operator, base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path
) -> Shop:
    """On each rail and both databases."""
    return opened(operator, request.param, base_chain, tempo_chain, tmp_path)


@pytest.fixture(params=EVIDENCE)
def sqlite_shop(
    request: pytest.FixtureRequest,
    sqlite_operator: Operator,
    base_chain: BaseChain,
    tempo_chain: TempoChain,
    tmp_path: Path,
) -> Shop:
    """For what has nothing to do with the database."""
    return opened(sqlite_operator, request.param, base_chain, tempo_chain, tmp_path)


@pytest.fixture
def x402_shop(sqlite_operator: Operator, base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path) -> Shop:
    """For what has nothing to do with the rail, either."""
    return opened(sqlite_operator, "x402", base_chain, tempo_chain, tmp_path)


def test_without_send_it_says_what_it_would_do_and_does_nothing(sqlite_shop: Shop) -> None:
    shop = sqlite_shop
    code, output = shop.refund()
    assert code == 0, output
    assert "Refund of 0.05 out of 0.05 paid" in output
    assert shop.payment.payer in output
    assert "Nothing was sent" in output
    assert shop.key not in output
    assert (shop.record(), shop.returned()) == (None, 0)


def test_a_no_sends_nothing(x402_shop: Shop) -> None:
    shop = x402_shop
    code, _ = shop.refund("--send", answer="n\n")
    assert (code, shop.record(), shop.returned()) == (1, None, 0)


def test_the_money_goes_back_once_and_stands_in_the_books(shop: Shop) -> None:
    code, output = shop.refund("--send", "--amount", "0.02", answer="y\n")
    assert code == 0, output
    assert shop.returned() == 20_000
    code, output = shop.refund("--send", "--yes")
    assert (code, shop.returned()) == (1, 20_000)
    assert "already refunded: 0.02" in output
    [shown] = json.loads(shop.operator.run("payments", "show", shop.payment.id, "--json").stdout)
    made = shop.record()
    assert made is not None
    assert made.final_at is not None
    assert (shown["refunded_base_units"], shown["refunded"], shown["refund_state"]) == (20_000, "0.02", "final")
    assert shown["refund_transaction"] == made.hash
    assert f"20000,0.02,final,{shown['refund_time']},{made.hash}" in shop.operator.run("payments", "export").stdout
    [earned] = json.loads(shop.operator.run("revenue", "--json").stdout)
    assert (earned["usd"], earned["refunded_usd"], earned["net_usd"]) == ("0.05", "0.02", "0.03")
    assert shop.operator.run("revenue").stdout.splitlines()[-1].endswith("$0.03")


async def begin(shop: Shop, database: Database, step: Step | None) -> Refund:
    """What `refund --send` does, in a process that ends at a step."""
    async with AsyncExitStack() as stack:
        store = CrashingRefunds(SqlRefunds(database), step)
        refunder = await stack.enter_async_context(open_refunder(shop.section, store))
        payment = shop.payment
        made = await refunder.make(shop.key, payment.id, payment.coin, payment.payer, PAID)
        for _ in range(100):
            if await refunder.pursue(made) is Standing.FINAL:
                return made
            await asyncio.sleep(0.2)
        raise AssertionError("not final after 20 s")


STEPS: tuple[Step, ...] = ("before record", "after record", "before final", "after final")


@pytest.mark.parametrize("step", STEPS)
def test_after_a_crash_the_same_command_goes_on_and_nothing_is_paid_twice(shop: Shop, step: Step) -> None:
    with pytest.raises(Crash, match=step):
        shop.operator.ledger(lambda database: begin(shop, database, step))
    made, returned = shop.record(), shop.returned()
    assert (made is None, returned) == (step == "before record", 0 if "record" in step else PAID)
    code, output = shop.refund("--send", "--yes")
    assert code == (1 if step == "after final" else 0), output
    assert shop.returned() == PAID
    after = shop.record()
    assert after is not None
    assert after.final_at is not None
    assert made is None or made.hash == after.hash


@pytest.mark.parametrize("mode", ["lost_reply", "hang"])
def test_a_node_that_loses_the_reply_has_it_sent_once_more_at_most(sqlite_shop: Shop, mode: str) -> None:
    """The reply is lost after the node has taken the transaction, or the transaction before it has."""
    shop = sqlite_shop
    proxy, name = TalkativeProxy(shop.chain.rpc_url, lambda path: ""), f"CLEARCANVAS_{shop.rail.upper()}__RPC_URL"
    with proxy.serve() as address:
        own = shop.operator.environment[name]
        shop.operator.environment[name] = f"http://{address}"
        proxy.fail("lost_reply" if mode == "lost_reply" else "hang", only=("eth_sendRawTransaction",))
        code, output = shop.refund("--send", "--yes", "--wait", "0")
        assert code == 1, output
        assert proxy.failures
        shop.operator.environment[name] = own
    code, output = shop.refund("--send", "--yes")
    assert code == 0, output
    assert "It was recorded before" in output
    assert shop.returned() == PAID


def other_payment(shop: Shop, **changes: object) -> Shop:
    payment = replace(shop.payment, id=f"payment {token_hex(8)}", transaction=None, **changes)  # type: ignore[arg-type]
    shop.operator.ledger(lambda database: sold(database, payment, f"eip155:{shop.chain.chain_id}"))
    return replace(shop, payment=payment)


def test_a_refund_that_was_recorded_and_never_sent_holds_up_no_later_one(sqlite_shop: Shop) -> None:
    shop = sqlite_shop
    with pytest.raises(Crash):
        shop.operator.ledger(lambda database: begin(shop, database, "after record"))
    second = other_payment(shop, payer=new_account())
    code, output = second.refund("--send", "--yes")
    assert code == 0, output
    assert (shop.returned(), second.returned()) == (PAID, PAID)
    code, output = shop.refund("--send", "--yes")
    assert code == 0, output
    assert shop.returned() == PAID


def test_a_refund_whose_nonce_was_taken_is_given_up_on_the_chains_word_only(sqlite_shop: Shop) -> None:
    shop = sqlite_shop
    with pytest.raises(Crash):
        shop.operator.ledger(lambda database: begin(shop, database, "after record"))
    made = shop.record()
    assert made is not None
    other = send_by_hand(shop, made.nonce)
    shop.chain.rpc.call("anvil_mine", hex(FINAL_AFTER + 1))
    code, output = shop.refund("--send", "--yes", "--wait", "0")
    assert code == 1
    assert "--replaced-by" in output
    for wrong in (made.hash, "0x" + "00" * 32):
        code, output = shop.refund("--replaced-by", wrong)
        assert (code, shop.record()) == (1, made), output
    code, output = shop.refund("--replaced-by", other)
    assert (code, shop.record(), shop.returned()) == (0, None, 0), output
    code, output = shop.refund("--send", "--yes")
    assert code == 0, output
    assert shop.returned() == PAID


def send_by_hand(shop: Shop, nonce: int) -> str:
    """Another transaction of the same account: a transfer of nothing to itself."""
    price = int(shop.chain.rpc.call("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16) * 2 + 10**9
    signed = Account.from_key(shop.key).sign_transaction(
        {
            "to": checksummed(shop.chain.token),
            "data": call_data("transfer(address,uint256)", shop.account, 0),
            "value": 0,
            "chainId": shop.chain.chain_id,
            "nonce": nonce,
            "gas": 300_000,
            "maxFeePerGas": price,
            "maxPriorityFeePerGas": 10**9,
        }
    )
    return str(shop.chain.rpc.call("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex()))


def test_more_than_was_paid_or_no_amount_is_refused(x402_shop: Shop) -> None:
    for amount in ("0.050001", "0", "-0.01", "0.0000001", "all", "nan"):
        code, output = x402_shop.refund("--send", "--yes", "--amount", amount)
        assert (code, x402_shop.record(), x402_shop.returned()) == (1, None, 0), output
        assert "at most 0.05 (the payment)" in output


def test_an_account_without_enough_of_the_token_is_refused(x402_shop: Shop) -> None:
    shop = x402_shop
    dear = other_payment(shop, amount=2_000_000)
    code, output = dear.refund("--send", "--yes")
    assert (code, dear.record()) == (1, None)
    assert "holds less of the token" in output


def test_the_settlement_key_and_what_is_no_key_are_refused(x402_shop: Shop) -> None:
    shop = x402_shop
    shop.key_file.write_text(SETTLER.key)
    code, output = shop.refund("--send", "--yes")
    assert (code, shop.record()) == (1, None)
    assert "settlement key's account" in output
    shop.key_file.write_text("marked, no key")
    code, output = shop.refund("--send", "--yes")
    assert code == 1
    assert "must hold a 32-byte private key" in output
    assert "marked" not in output
    ran = shop.operator.run("refund", shop.payment.id, "--send")
    assert ran.exit_code == 2
    assert "no remote signer is asked" in " ".join(ran.output.replace("│", "").split())


def test_the_account_of_a_remote_signer_is_refused_too(x402_shop: Shop, base_chain: BaseChain) -> None:
    shop = x402_shop
    environment = shop.operator.environment
    del environment["CLEARCANVAS_X402__SETTLEMENT_KEY"]
    environment |= {
        "CLEARCANVAS_X402__SIGNER_URL": base_chain.rpc_url,
        "CLEARCANVAS_X402__SIGNER_ADDRESS": SETTLER.address.lower(),
    }
    shop.key_file.write_text(SETTLER.key)
    code, output = shop.refund("--send", "--yes")
    assert (code, shop.record()) == (1, None)
    assert "settlement key's account" in output


def test_without_a_payers_address_or_on_another_chain_it_is_refused(x402_shop: Shop) -> None:
    shop = x402_shop
    nobody = other_payment(shop, payer="0xpayer")
    code, output = nobody.refund("--send", "--yes")
    assert (code, nobody.record()) == (1, None)
    assert "does not have the payer's address" in output
    elsewhere = replace(shop.payment, id="elsewhere", transaction=None)
    shop.operator.ledger(lambda database: sold(database, elsewhere, "eip155:1"))
    code, output = replace(shop, payment=elsewhere).refund("--send", "--yes")
    assert code == 1
    assert "was made on eip155:1" in output


UNSETTLED = {
    RecordState.CLAIMED: "has not been settled",
    RecordState.SETTLING: "is being settled",
    RecordState.IN_DOUBT: "is in doubt",
    RecordState.NOT_FINAL: "not final yet",
    RecordState.ABANDONED: "moved no money",
}


def test_what_is_in_doubt_or_not_settled_is_refused(x402_shop: Shop) -> None:
    async def plant(database: Database) -> list[str]:
        return [await planted(database, state) for state in UNSETTLED]

    for name, said in zip(x402_shop.operator.ledger(plant), UNSETTLED.values(), strict=True):
        ran = x402_shop.operator.run("refund", name, "--key-file", str(x402_shop.key_file), "--send", "--yes")
        assert ran.exit_code == 1
        assert said in ran.output
    assert x402_shop.operator.run("refund", "nobody's", "--key-file", str(x402_shop.key_file)).exit_code == 1
