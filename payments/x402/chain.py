"""The chain's own word about a payment: was the authorization used, and did the use pay us?"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from eth_typing import HexStr
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3.types import BlockData, BlockIdentifier, FilterParams, LogReceipt
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
from payments.rail import Payment
from payments.x402 import refusals
from payments.x402.eip3009 import Authorization
from payments.x402.requirements import QuoteTerms
from payments.x402.rpc import ANSWERS, Rpc

CLOCK_SLACK_S = 600  # how far the chain's clock may be behind ours


class Undecided(RailUnavailable):
    """The chain answers, and gives no verdict about the payment (yet)."""


class UseNotFound(Undecided):
    """An authorization was used, and its use is not in the blocks that were searched."""


def _topic(event: str) -> str:
    return "0x" + keccak(text=event).hex()


AUTHORIZATION_USED = _topic("AuthorizationUsed(address,bytes32)")
AUTHORIZATION_CANCELED = _topic("AuthorizationCanceled(address,bytes32)")
TRANSFER = _topic("Transfer(address,address,uint256)")


def evidence(authorization: Authorization, terms: QuoteTerms, *, now: float) -> Mapping[str, str]:
    """What `AuthorizationReader` must remember of a payment beside its payer, amount and end."""
    return {
        "asset": terms.asset,
        "pay_to": terms.pay_to,
        "nonce": authorization.nonce,
        "since": str(int(now) - CLOCK_SLACK_S),
    }


def evidence_of_unknown(authorization: Authorization, terms: QuoteTerms, *, now: float) -> Mapping[str, str]:
    """The same for a payment that may have been used before we saw it: within the time for which one is quoted."""
    seen = min(now, authorization.valid_before) - terms.max_timeout_seconds
    return evidence(authorization, terms, now=seen)


@dataclass(frozen=True, slots=True)
class AuthorizationStatus:
    """What became of an authorization.

    Attributes:
        transaction: hash of the transaction that paid us, 0x-hex.
        refusal: code of refusals.py that says why it never will; None when it did or still may.
    """

    transaction: str | None = None
    refusal: str | None = None


class AuthorizationReader:
    """Asks an EIP-3009 token about payments, by what `evidence` remembered.

    Args:
        log_span: blocks per search for a log entry; public RPC services limit the range of one eth_getLogs.
    """

    def __init__(self, rpc: Rpc, *, log_span: int = 500) -> None:
        self._rpc = rpc
        self._log_span = log_span

    async def fate(self, payment: Payment, *, at_least: int = 0, searches: int | None = None) -> AuthorizationStatus:
        """What the latest block says about a payment; the block has this number at least.

        The use of an authorization is sought back to when the payment was seen first, in `searches` steps at most.

        Raises:
            UseNotFound: it was used, and not in the blocks that were searched.
            Undecided: the chain gives no verdict yet.
            RailUnavailable: the chain does not answer.
        """
        try:
            latest = await self._block("latest")
            if latest["number"] < at_least:
                raise Undecided("The chain does not show its latest blocks yet.")
            expired = latest["timestamp"] >= payment.valid_before
            # Of this very block: another node behind the same URL may be a few blocks late, and say "unused".
            if not await self._is_spent(payment, latest["number"]):
                return AuthorizationStatus(refusal=refusals.VALID_BEFORE if expired else None)
            use = await self._use(payment, latest["number"], searches)
            transaction = await self._paid_by(use, payment)
            return AuthorizationStatus(transaction, refusal=None if transaction else refusals.NONCE_USED)
        except ANSWERS:
            raise Undecided("The chain does not know the token, or not yet the payment.") from None

    async def blocks_on_top(self, transaction: str) -> int:
        """How many blocks came after the one that a transaction is in.

        Raises:
            Undecided: the chain does not know the transaction.
            RailUnavailable: the chain does not answer.
        """
        block = await self.block_of(transaction)
        return await self.newest() - block

    async def block_of(self, transaction: str) -> int:
        """The number of the block that a transaction is in; raises as `blocks_on_top`."""
        try:
            receipt = await self._rpc.ask(lambda eth: eth.get_transaction_receipt(HexStr(transaction)))
        except ANSWERS:
            raise Undecided("The chain does not know the transaction.") from None
        return int(receipt["blockNumber"])

    async def newest(self) -> int:
        """The number of the newest block.

        Raises:
            RailUnavailable: the chain does not answer.
        """
        try:
            return int((await self._block("latest"))["number"])
        except ANSWERS:
            raise RailUnavailable("The chain does not answer.") from None

    async def _is_spent(self, payment: Payment, block: BlockIdentifier) -> bool:
        return bool(
            await self._rpc.read(
                payment.evidence["asset"],
                AUTHORIZATION_STATE_ABI,
                "authorizationState",
                to_checksum_address(payment.payer),
                payment.evidence["nonce"],
                sender=payment.payer,
                block=block,
            )
        )

    async def _use(self, payment: Payment, last: int, searches: int | None) -> LogReceipt:
        """The log entry that used or cancelled an authorization, sought backwards from the block `last`."""
        for _ in range(searches) if searches else count():
            first = max(0, last - self._log_span + 1)
            logs = await self._logs({**_uses_of(payment), "fromBlock": first, "toBlock": last})
            if logs:
                return logs[0]
            if first == 0 or (await self._block(first))["timestamp"] < int(payment.evidence["since"]):
                break
            last = first - 1
        raise UseNotFound("The chain does not show yet how the payment was used.")

    async def _paid_by(self, use: LogReceipt, payment: Payment) -> str | None:
        """The hash of the using transaction, if this very use paid us.

        The token's `Transfer` comes right after its `AuthorizationUsed`. Any other transfer in the same transaction
        belongs to another authorization, which may have paid for another order.
        """
        if use["topics"][0].to_0x_hex() != AUTHORIZATION_USED:
            return None
        receipt = await self._rpc.ask(lambda eth: eth.get_transaction_receipt(use["transactionHash"]))
        later = (log for log in receipt["logs"] if log["logIndex"] > use["logIndex"])
        transfer = next((log for log in later if _is_transfer(log, use["address"])), None)
        return use["transactionHash"].to_0x_hex() if transfer and _pays(transfer, payment) else None

    async def _block(self, block: BlockIdentifier) -> BlockData:
        return await self._rpc.ask(lambda eth: eth.get_block(block))

    async def _logs(self, query: FilterParams) -> list[LogReceipt]:
        return await self._rpc.ask(lambda eth: eth.get_logs(query))


def _uses_of(payment: Payment) -> FilterParams:
    return {
        "address": to_checksum_address(payment.evidence["asset"]),
        "topics": [
            [AUTHORIZATION_USED, AUTHORIZATION_CANCELED],
            topic_of(payment.payer),
            payment.evidence["nonce"],
        ],
    }


def _is_transfer(log: LogReceipt, token: str) -> bool:
    return log["address"] == token and log["topics"][0].to_0x_hex() == TRANSFER


def _pays(transfer: LogReceipt, payment: Payment) -> bool:
    payer, recipient = (topic.to_0x_hex() for topic in transfer["topics"][1:3])
    return (
        payer == topic_of(payment.payer)
        and recipient == topic_of(payment.evidence["pay_to"])
        and int.from_bytes(transfer["data"]) >= payment.amount
    )


def topic_of(address: str) -> str:
    """An address as an indexed field of a log."""
    return "0x" + address.lower().removeprefix("0x").rjust(64, "0")


async def check_chain(rpc: Rpc, terms: QuoteTerms) -> str | None:
    """None when the RPC URL leads to our chain and the token is on it, else one public sentence.

    Raises:
        RailUnavailable: the chain does not answer.
    """
    try:
        code = await rpc.code(terms.asset)
    except RailUnavailable:
        if rpc.stray is None:
            raise
        return f"The payment chain has id {rpc.stray}, not {terms.network.chain_id}."
    return None if code else f"There is no token at {terms.asset}."


async def refusal_of(rpc: Rpc, payload: PaymentPayload, requirements: PaymentRequirements) -> str | None:
    """The SDK's code for why the token would refuse this transfer now, by a simulation; None when it would not.

    Raises:
        RailUnavailable: the chain does not answer.
    """
    signed = ExactEIP3009Payload.from_dict(payload.payload)
    transfer = parse_eip3009_authorization(signed.authorization)
    try:
        await rpc.read(
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
    except ANSWERS as refused:
        return parse_eip3009_transfer_error(refused)
    return None


async def balance_of(rpc: Rpc, terms: QuoteTerms, holder: str) -> int | None:
    """What an address holds of the token, in base units; None when the chain does not say."""
    try:
        address = to_checksum_address(holder)
        return int(await rpc.read(terms.asset, BALANCE_OF_ABI, "balanceOf", address, sender=holder))
    except (RailUnavailable, *ANSWERS):
        return None
