"""Reads from the chain whether a payment's authorization was used, and whether that paid us."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from x402.mechanisms.evm.constants import (
    AUTHORIZATION_STATE_ABI,
    BALANCE_OF_ABI,
    FUNCTION_TRANSFER_WITH_AUTHORIZATION,
    TRANSFER_WITH_AUTHORIZATION_BYTES_ABI,
)
from x402.mechanisms.evm.exact.eip3009_utils import parse_eip3009_authorization, parse_eip3009_transfer_error
from x402.mechanisms.evm.types import ExactEIP3009Payload
from x402.schemas import PaymentPayload, PaymentRequirements

from errors import RailUnavailable
from payments.evm.abi import TRANSFER, address_topic, event_topic
from payments.evm.node import Node, WrongChain
from payments.evm.question import CallFailed, JsonRpc
from payments.evm.questions import Log, TransactionReceipt, block, code, logs, receipt
from payments.evm.transfers import LOG_SPAN
from payments.rail import Payment
from payments.x402 import refusals
from payments.x402.contracts import read_contract
from payments.x402.eip3009 import Authorization
from payments.x402.requirements import QuoteTerms

CLOCK_SLACK_S = 600  # maximum lag of the chain's clock behind ours


class Undecided(RailUnavailable):
    """The chain responds, but the outcome of the payment is not decided (yet)."""


class UseNotFound(Undecided):
    """An authorization was used, but not in the searched blocks."""


AUTHORIZATION_USED = event_topic("AuthorizationUsed(address,bytes32)")
AUTHORIZATION_CANCELED = event_topic("AuthorizationCanceled(address,bytes32)")


def evidence(authorization: Authorization, terms: QuoteTerms, *, now: float) -> Mapping[str, str]:
    """What `AuthorizationReader` needs in addition to a payment's payer, amount and end."""
    return {
        "asset": terms.asset,
        "pay_to": terms.pay_to,
        "nonce": authorization.nonce,
        "since": str(int(now) - CLOCK_SLACK_S),
    }


def evidence_of_unknown(authorization: Authorization, terms: QuoteTerms, *, now: float) -> Mapping[str, str]:
    """The same for a payment that may have been used before this service saw it, within the validity of a quote."""
    seen = min(now, authorization.valid_before) - terms.max_timeout_seconds
    return evidence(authorization, terms, now=seen)


@dataclass(frozen=True, slots=True)
class AuthorizationStatus:
    """The state of an authorization.

    Attributes:
        transaction: hash of the transaction that paid us, 0x-hex.
        refusal: code of refusals.py for why it can never pay us; None if it has or still can.
    """

    transaction: str | None = None
    refusal: str | None = None


class AuthorizationReader:
    """Asks an EIP-3009 token about payments, using their `evidence`.

    Args:
        log_span: blocks per search for a log entry; public RPC services limit the range of one eth_getLogs.
    """

    def __init__(self, rpc: JsonRpc, *, log_span: int = LOG_SPAN) -> None:
        self._rpc = rpc
        self._log_span = log_span

    async def status(self, payment: Payment, *, at_least: int = 0, searches: int | None = None) -> AuthorizationStatus:
        """The state of a payment in the latest block, which must have at least the number `at_least`.

        The use of an authorization is searched back to when the payment was first seen, in at most `searches` steps.

        Raises:
            UseNotFound: it was used, but not in the searched blocks.
            Undecided: the outcome is not decided yet.
            RailUnavailable: the chain does not respond.
        """
        try:
            latest = await self._rpc.ask(block("latest"))
            if latest.number < at_least:
                raise Undecided("The chain does not show its latest blocks yet.")
            # In exactly this block: another node behind the same URL may lag behind and answer "unused".
            if not await self._is_used(payment, latest.number):
                has_expired = latest.timestamp >= payment.valid_before
                return AuthorizationStatus(refusal=refusals.VALID_BEFORE if has_expired else None)
        except CallFailed:
            raise Undecided("The chain does not know the token, or not yet the block.") from None
        use = await self._use(payment, latest.number, searches)
        transaction = await self._paid_by(use, payment)
        return AuthorizationStatus(transaction, refusal=None if transaction else refusals.NONCE_USED)

    async def blocks_on_top(self, transaction: str) -> int:
        """The number of blocks after a transaction's block.

        Raises:
            Undecided: the chain does not know the transaction.
            RailUnavailable: the chain does not respond.
        """
        included_in = await self.block_of(transaction)
        return await self.newest() - included_in

    async def block_of(self, transaction: str) -> int:
        """The number of a transaction's block; raises as `blocks_on_top`."""
        return (await self._receipt(transaction)).block

    async def newest(self) -> int:
        """The number of the newest block. Raises RailUnavailable if the chain does not respond."""
        return (await self._rpc.ask(block("latest"))).number

    async def _is_used(self, payment: Payment, height: int) -> bool:
        return bool(
            await read_contract(
                self._rpc,
                payment.evidence["asset"],
                AUTHORIZATION_STATE_ABI,
                "authorizationState",
                payment.payer,
                bytes.fromhex(payment.evidence["nonce"].removeprefix("0x")),
                sender=payment.payer,
                height=height,
            )
        )

    async def _use(self, payment: Payment, last: int, searches: int | None) -> Log:
        """The log entry of an authorization's use or cancellation, searched backwards from the block `last`."""
        topics = [
            [AUTHORIZATION_USED, AUTHORIZATION_CANCELED],
            address_topic(payment.payer),
            payment.evidence["nonce"],
        ]
        for _ in range(searches) if searches else count():
            first = max(0, last - self._log_span + 1)
            found = await self._rpc.ask(logs(payment.evidence["asset"], topics, first=first, last=last))
            if found:
                return found[0]
            if first == 0 or (await self._rpc.ask(block(first))).timestamp < int(payment.evidence["since"]):
                break
            last = first - 1
        raise UseNotFound("The chain does not yet show how the payment was used.")

    async def _paid_by(self, use: Log, payment: Payment) -> str | None:
        """The hash of the transaction that used the authorization, if this use paid us.

        The token's `Transfer` directly follows its `AuthorizationUsed`. Every other transfer in the transaction belongs
        to another authorization, which may have paid for another order.
        """
        if use.topics[0] != AUTHORIZATION_USED:
            return None
        later = (log for log in (await self._receipt(use.transaction)).logs if log.index > use.index)
        transfer = next((log for log in later if _is_transfer(log, use.address)), None)
        return use.transaction if transfer and _pays(transfer, payment) else None

    async def _receipt(self, transaction: str) -> TransactionReceipt:
        found = await self._rpc.ask(receipt(transaction))
        if found is None:
            raise Undecided("The chain does not know the transaction.")
        return found


def _is_transfer(log: Log, token: str) -> bool:
    return log.address == token and log.topics[:1] == (TRANSFER,)


def _pays(transfer: Log, payment: Payment) -> bool:
    return (
        transfer.topics[1:3] == (address_topic(payment.payer), address_topic(payment.evidence["pay_to"]))
        and int.from_bytes(transfer.data) >= payment.amount
    )


async def check_chain(rpc: Node, terms: QuoteTerms) -> str | None:
    """None if the RPC URL leads to our chain and the token is on it, else one public sentence.

    Raises:
        RailUnavailable: the chain does not respond.
    """
    try:
        deployed = await rpc.ask(code(terms.asset))
    except WrongChain:
        return f"The payment chain has id {rpc.other_chain}, not {terms.network.chain_id}."
    return None if deployed else f"There is no token at {terms.asset}."


async def refusal_of(rpc: JsonRpc, payload: PaymentPayload, requirements: PaymentRequirements) -> str | None:
    """The SDK's code for why the token would refuse this transfer now, by simulation; None if it would not.

    Raises:
        RailUnavailable: the chain does not respond.
    """
    signed = ExactEIP3009Payload.from_dict(payload.payload)
    transfer = parse_eip3009_authorization(signed.authorization)
    try:
        await read_contract(
            rpc,
            requirements.asset,
            TRANSFER_WITH_AUTHORIZATION_BYTES_ABI,
            FUNCTION_TRANSFER_WITH_AUTHORIZATION,
            transfer.from_address,
            transfer.to,
            transfer.value,
            transfer.valid_after,
            transfer.valid_before,
            transfer.nonce,
            bytes.fromhex((signed.signature or "").removeprefix("0x")),
            sender=requirements.pay_to,
        )
    except CallFailed as failure:
        return parse_eip3009_transfer_error(failure)
    return None


async def balance_of(rpc: JsonRpc, terms: QuoteTerms, holder: str) -> int | None:
    """The balance of an address in base units of the token; None if the chain does not respond."""
    try:
        return int(await read_contract(rpc, terms.asset, BALANCE_OF_ABI, "balanceOf", holder, sender=holder))
    except (RailUnavailable, CallFailed):
        return None
