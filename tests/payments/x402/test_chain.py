"""Chain reader: only a transfer to us by this very authorization counts as paid."""

import secrets

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from x402.mechanisms.evm.constants import MULTICALL3_TRY_AGGREGATE_ABI
from x402.mechanisms.evm.multicall import encode_contract_call

from errors import RailUnavailable
from payments.evm.rpc import RpcClient
from payments.rail import Payment
from payments.x402 import refusals
from payments.x402.chain import AuthorizationReader, AuthorizationStatus, balance_of, check_chain, evidence
from payments.x402.eip3009 import SignedAuthorization
from payments.x402.requirements import QuoteTerms
from sandbox.accounts import BUYER, SELLER, STRANGER
from sandbox.chains import MULTICALL, BaseChain
from tests.contracts.rail_contract import NOBODY, UNITS
from tests.payments.conftest import Connect
from tests.payments.x402.buyer import authorize, cancel, submit, transfer_call
from tests.payments.x402.terms import terms_of


@pytest.fixture
def payer() -> LocalAccount:
    account: LocalAccount = Account.from_key(BUYER.key)
    return account


@pytest.fixture
def nonce() -> str:
    return "0x" + secrets.token_hex(32)


@pytest.fixture
def rpc(rpc_url: str, connect: Connect) -> RpcClient:
    return connect(rpc_url)


@pytest.fixture
def reader(rpc: RpcClient) -> AuthorizationReader:
    return AuthorizationReader(rpc)


def payment_of(signed: SignedAuthorization, terms: QuoteTerms, *, now: float) -> Payment:
    authorization = signed.authorization
    return Payment(
        id="x",
        rail="x402",
        payer=authorization.payer,
        amount=UNITS,
        valid_before=authorization.valid_before,
        evidence=evidence(authorization, terms, now=now),
    )


@pytest.fixture
def now(base_chain: BaseChain) -> int:
    return int(base_chain.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


async def test_an_unused_authorization_may_still_pay(
    reader: AuthorizationReader, payer: LocalAccount, nonce: str, terms: QuoteTerms, now: int
) -> None:
    payment = payment_of(authorize(payer, SELLER.address, nonce, terms), terms, now=now)
    assert await reader.status(payment) == AuthorizationStatus()


async def test_an_unused_authorization_past_its_end_never_pays(
    reader: AuthorizationReader, payer: LocalAccount, nonce: str, terms: QuoteTerms, now: int
) -> None:
    payment = payment_of(authorize(payer, SELLER.address, nonce, terms, valid_before=now), terms, now=now)
    assert await reader.status(payment) == AuthorizationStatus(refusal=refusals.VALID_BEFORE)


@pytest.mark.parametrize("log_span", [1, 500])
async def test_finds_the_transaction_that_paid(
    base_chain: BaseChain, rpc: RpcClient, payer: LocalAccount, nonce: str, terms: QuoteTerms, now: int, log_span: int
) -> None:
    """Also when it lies several searches back."""
    signed = authorize(payer, SELLER.address, nonce, terms)
    sent = submit(base_chain, terms.asset, transfer_call(signed))
    for _ in range(3):
        base_chain.rpc.call("evm_mine")
    reader = AuthorizationReader(rpc, log_span=log_span)
    assert await reader.status(payment_of(signed, terms, now=now)) == AuthorizationStatus(transaction=sent)


async def test_a_cancelled_authorization_is_no_payment(
    base_chain: BaseChain, reader: AuthorizationReader, payer: LocalAccount, nonce: str, terms: QuoteTerms, now: int
) -> None:
    signed = authorize(payer, SELLER.address, nonce, terms)
    cancel(base_chain, signed.authorization, terms)
    assert await reader.status(payment_of(signed, terms, now=now)) == AuthorizationStatus(refusal=refusals.NONCE_USED)


async def test_a_nonce_spent_on_somebody_else_is_no_payment(
    base_chain: BaseChain, reader: AuthorizationReader, payer: LocalAccount, nonce: str, terms: QuoteTerms, now: int
) -> None:
    """A payer may sign two authorizations with one nonce; the chain takes one of them."""
    ours = authorize(payer, SELLER.address, nonce, terms)
    submit(base_chain, terms.asset, transfer_call(authorize(payer, STRANGER.address, nonce, terms)))
    assert await reader.status(payment_of(ours, terms, now=now)) == AuthorizationStatus(refusal=refusals.NONCE_USED)


@pytest.mark.parametrize("ours_first", [True, False])
async def test_another_payment_in_the_same_transaction_does_not_count_twice(
    base_chain: BaseChain,
    reader: AuthorizationReader,
    payer: LocalAccount,
    terms: QuoteTerms,
    now: int,
    ours_first: bool,
) -> None:
    """One transaction pays us with one nonce and a stranger with the other, which was promised to us as well."""
    paid, broken = ("0x" + secrets.token_hex(32) for _ in range(2))
    good = authorize(payer, SELLER.address, paid, terms)
    elsewhere = authorize(payer, STRANGER.address, broken, terms)
    promised = authorize(payer, SELLER.address, broken, terms)
    calls = [transfer_call(signed) for signed in ((good, elsewhere) if ours_first else (elsewhere, good))]
    batch = [(terms.asset, bytes.fromhex(call[2:])) for call in calls]
    call = encode_contract_call(MULTICALL3_TRY_AGGREGATE_ABI, "tryAggregate", True, batch)
    sent = submit(base_chain, MULTICALL, "0x" + call.hex())
    assert await reader.status(payment_of(good, terms, now=now)) == AuthorizationStatus(transaction=sent)
    assert await reader.status(payment_of(promised, terms, now=now)) == AuthorizationStatus(refusal=refusals.NONCE_USED)


async def test_too_small_a_transfer_is_no_payment(
    base_chain: BaseChain, reader: AuthorizationReader, payer: LocalAccount, nonce: str, terms: QuoteTerms, now: int
) -> None:
    signed = authorize(payer, SELLER.address, nonce, terms, units=UNITS - 1)
    submit(base_chain, terms.asset, transfer_call(signed))
    assert await reader.status(payment_of(signed, terms, now=now)) == AuthorizationStatus(refusal=refusals.NONCE_USED)


async def test_does_not_search_before_the_payment_was_seen(
    base_chain: BaseChain, rpc: RpcClient, payer: LocalAccount, nonce: str, terms: QuoteTerms, now: int
) -> None:
    """Used, but nowhere in the time in question: the chain does not speak with one voice yet."""
    signed = authorize(payer, SELLER.address, nonce, terms)
    submit(base_chain, terms.asset, transfer_call(signed))
    base_chain.rpc.call("evm_mine")
    with pytest.raises(RailUnavailable):
        await AuthorizationReader(rpc, log_span=1).status(payment_of(signed, terms, now=now + 10_000))


async def test_a_token_that_is_not_there_gives_no_verdict(
    reader: AuthorizationReader, payer: LocalAccount, nonce: str, terms: QuoteTerms, now: int
) -> None:
    astray = terms_of(chain_id=84532, asset=STRANGER.address, pay_to=SELLER.address, max_timeout_seconds=60)
    with pytest.raises(RailUnavailable):
        await reader.status(payment_of(authorize(payer, SELLER.address, nonce, terms), astray, now=now))


async def test_gives_no_verdict_on_a_chain_that_is_late(
    base_chain: BaseChain, reader: AuthorizationReader, payer: LocalAccount, nonce: str, terms: QuoteTerms, now: int
) -> None:
    """Unused so far, says a node that has not seen yet what another one has."""
    payment = payment_of(authorize(payer, SELLER.address, nonce, terms), terms, now=now)
    latest = int(base_chain.rpc.call("eth_blockNumber"), 16)
    assert await reader.status(payment, at_least=latest) == AuthorizationStatus()
    with pytest.raises(RailUnavailable):
        await reader.status(payment, at_least=latest + 1000)


@pytest.mark.parametrize("known", [True, False])
async def test_sees_what_a_payer_holds_or_does_not_know(
    base_chain: BaseChain, rpc: RpcClient, terms: QuoteTerms, known: bool
) -> None:
    elsewhere = terms_of(chain_id=84532, asset=STRANGER.address, pay_to=SELLER.address, max_timeout_seconds=60)
    held = await balance_of(rpc, terms if known else elsewhere, BUYER.address.lower())
    assert held == (base_chain.balance_of(BUYER.address) if known else None)


async def test_gives_no_verdict_without_a_chain(
    connect: Connect, payer: LocalAccount, nonce: str, terms: QuoteTerms, now: int
) -> None:
    rpc = connect(NOBODY)
    with pytest.raises(RailUnavailable):
        await AuthorizationReader(rpc).status(
            payment_of(authorize(payer, SELLER.address, nonce, terms), terms, now=now)
        )


@pytest.mark.parametrize(
    ("chain_id", "asset", "sentence"),
    [
        (84532, BaseChain.token, None),
        (8453, BaseChain.token, "The payment chain has id 84532, not 8453."),
        (84532, STRANGER.address, f"There is no token at {STRANGER.address}."),
    ],
)
async def test_checks_the_chain_behind_the_url(
    connect: Connect, rpc_url: str, chain_id: int, asset: str, sentence: str | None
) -> None:
    terms = terms_of(chain_id=chain_id, asset=asset, pay_to=SELLER.address, max_timeout_seconds=60)
    (node,) = connect(rpc_url, chain_id=chain_id).nodes
    assert await check_chain(node, terms) == sentence
