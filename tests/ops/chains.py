"""An operator whose rails are on the local chains, and payments on the Base-like one."""

import secrets
import time
from dataclasses import replace

from eth_account import Account

from ops.periods import iso
from payments.rail import Payment, Receipt
from payments.x402.chain import evidence
from payments.x402.config import X402Config
from payments.x402.eip3009 import SignedAuthorization
from payments.x402.requirements import QuoteTerms
from payments.x402.wire import payment_id
from sandbox.accounts import BUYER, SELLER, SETTLER
from sandbox.chains import BaseChain, TempoChain
from storage import Database, SqlLedger
from tests.ops.conftest import Operator
from tests.payments.books import head_time
from tests.payments.x402.buyer import authorize, submit, transfer_call

TERMS = QuoteTerms(X402Config(asset=BaseChain.token, pay_to=SELLER.address))
UNITS = 50_000


def on_chains(operator: Operator, base: BaseChain, tempo: TempoChain) -> Operator:
    """With the sandbox's keys, on a test network's profile."""
    operator.environment |= {
        "CLEARCANVAS_PROFILE": "testnet",
        "CLEARCANVAS_X402__RPC_URL": base.rpc_url,
        "CLEARCANVAS_X402__PAY_TO": SELLER.address,
        "CLEARCANVAS_X402__SETTLEMENT_KEY": SETTLER.key,
        "CLEARCANVAS_MPP__RPC_URL": tempo.rpc_url,
        "CLEARCANVAS_MPP__RECIPIENT": SELLER.address,
        "CLEARCANVAS_MPP__SECRET_KEY": "a secret for nothing but this test",
    }
    return operator


def signed(valid_for_s: int = 3600) -> SignedAuthorization:
    """What a buyer signs; of a negative validity it has ended."""
    payer = Account.from_key(BUYER.key)
    until = int(time.time()) + valid_for_s
    return authorize(payer, SELLER.address, "0x" + secrets.token_hex(32), TERMS, units=UNITS, valid_before=until)


def moved(chain: BaseChain, one: SignedAuthorization) -> str:
    """The transaction that moved the money of an authorization."""
    return submit(chain, TERMS.asset, transfer_call(one))


def payment_of(one: SignedAuthorization) -> Payment:
    """The payment as the ledger has it."""
    authorization = one.authorization
    return Payment(
        id=payment_id(TERMS, authorization.payer, authorization.nonce),
        rail="x402",
        payer=authorization.payer,
        amount=authorization.value,
        valid_before=authorization.valid_before,
        evidence=evidence(authorization, TERMS, now=time.time() - 60),
    )


async def settling(database: Database, payment: Payment) -> None:
    """A row over which settlement began, and whose holder has let go."""
    ledger = SqlLedger(database)
    claim = await ledger.claim(payment, seen=None, fingerprint="print", order_digest="order", lease_s=60)
    assert claim
    assert await ledger.begin_settlement(claim, lease_s=60)
    await ledger.mark_unresolved(claim)


async def settled(database: Database, payment: Payment, transaction: str) -> None:
    """A row that says settled."""
    await settling(database, payment)
    receipt = Receipt("x402", "eip155:84532", transaction, payment.payer, int(time.time()))
    assert await SqlLedger(database).settled(payment.id, receipt)


def now_on(chain: BaseChain) -> str:
    """A beginning for `--since` that comes after whatever other tests have moved."""
    since = head_time(chain) + 1
    while head_time(chain) < since:
        chain.rpc.call("evm_mine")
    return iso(since)


def cheaper(payment: Payment) -> Payment:
    """The same, with an amount that is wrong."""
    return replace(payment, amount=payment.amount - 1)
