"""Checks on the chain before the work: is the transaction new, would a block include it, can the payer pay it?"""

import logging
import re
from dataclasses import replace
from typing import Any

from errors import PaymentSpentElsewhere, RailUnavailable
from payments.evm.abi import call_data, words
from payments.evm.node import SILENT
from payments.evm.question import JsonRpcError, Question
from payments.evm.questions import Block, TransactionReceipt, call, receipt
from payments.mpp.chain import Chain
from payments.mpp.problems import PAYMENT_INSUFFICIENT, VERIFICATION_FAILED, rejected
from payments.mpp.transaction import EXPIRING_NONCE_KEY, SignedTransaction

logger = logging.getLogger(__name__)

SPENT = (
    "The transaction of this payment has paid already, and not through this service's ledger. "
    "Do not pay anew; ask the operator for the picture or the money."
)
_TIP_20 = "0x20c000000000000000000000"
_FEE_MANAGER = "0xfeec000000000000000000000000000000000000"
_LOWEST_NEXT_FEE = 7 / 8  # of the latest block's, on a chain whose fee floats (EIP-1559)
_NOT_SIMULATED = (-32700, -32600, -32601, -32602)  # the node does not know the method or a Tempo transaction's fields
_REVERTED = 3
_CANNOT_BE_MINED = re.compile(r"revert|intrinsic gas|out of gas|OOG|insufficient|expired|valid_before|not valid|nonce")
"""What the chain's own words for such a transaction contain; JSON-RPC has no codes for them. Anything else that a node
says (a rate limit, a fault of its own) is an outage."""


async def check_on_chain(
    chain: Chain, transaction: SignedTransaction, payer: str, *, currencies: tuple[str, ...]
) -> int:
    """Check a payment on the chain that is valid in itself.

    Tempo takes the price of all the gas a transaction allows before it runs the transfer, and gives back the rest.

    Args:
        currencies: lower-case addresses of the tokens that are accepted; gas may be paid in them, and in any token
            that the chain can exchange for the first of them.

    Returns:
        Base units of the transferred token that the payer can spend on prices: the balance without this payment's
        highest fee, where the same token pays that.

    Raises:
        PaymentSpentElsewhere: its transaction has paid already.
        PaymentRejected: no block would take the transaction, or it was or would be reverted; or the payer's balance is
            too low.
        RailUnavailable: the chain does not answer.
    """
    token = transaction.transfer.token
    if transaction.fee_token is not None:
        _check_fee_token(transaction.fee_token)
    choice = () if transaction.fee_token else (_call(_FEE_MANAGER, "userTokens(address)", payer),)
    head, (known, held, simulated, *chosen) = await chain.ask(
        receipt(transaction.hash),
        _call(token, "balanceOf(address)", payer),
        _simulation(transaction, payer),
        *choice,
    )
    _check_new(_result(known))
    _check_gas(head, transaction)
    left = {token: _amount(held)}
    fee_token = transaction.fee_token or _chosen(*chosen) or token
    if fee_token != token:
        left[fee_token] = await _held_for_fees(chain, fee_token, payer, transaction.max_fee, currencies)
    left[fee_token] -= transaction.max_fee
    if left[token] < transaction.transfer.amount or left[fee_token] < 0:
        raise rejected(
            PAYMENT_INSUFFICIENT, "The payer's balance does not cover the price and the highest fee the payer allows."
        )
    if not _would_be_mined(simulated):
        await _check_at_this_moment(chain, transaction, payer)
    return left[token]


async def _held_for_fees(chain: Chain, token: str, payer: str, fee: int, currencies: tuple[str, ...]) -> int:
    """What the payer holds of a token that pays for the gas alone. Validators are paid in tokens of their choice; that
    any of the accepted ones can be exchanged for it is the operator's choice, of others the chain is asked."""
    _check_fee_token(token)
    _, (held, pool) = await chain.ask(
        _call(token, "balanceOf(address)", payer),
        _call(_FEE_MANAGER, "getPool(address,address)", token, currencies[0]),
    )
    if token not in currencies and (isinstance(pool, JsonRpcError) or _amount(pool) < fee):
        raise rejected(VERIFICATION_FAILED, "The chain cannot exchange the fee token for one that its validators take.")
    return _amount(held)


def _check_new(known: TransactionReceipt | None) -> None:
    if known is None:
        return
    if known.succeeded:
        raise PaymentSpentElsewhere(SPENT, paid_us=True)
    raise rejected(VERIFICATION_FAILED, "The transaction was reverted on the chain. Nothing was charged.")


def _check_gas(head: Block, transaction: SignedTransaction) -> None:
    if transaction.gas_price < head.base_fee * _LOWEST_NEXT_FEE:
        raise rejected(VERIFICATION_FAILED, "The transaction's highest gas price is below the chain's base fee.")
    if transaction.gas > head.gas_limit:
        raise rejected(VERIFICATION_FAILED, "The transaction's gas limit is above that of a block.")


async def _check_at_this_moment(chain: Chain, transaction: SignedTransaction, payer: str) -> None:
    """Simulate once more, at the present time: the latest block may be some seconds old, and a transaction may end only
    so many seconds after the block that it is in."""
    now = {"time": hex(int(chain.clock.now()))}
    _, (simulated,) = await chain.ask(_simulation(transaction, payer, {}, now))
    if not _would_be_mined(simulated):
        raise rejected(
            VERIFICATION_FAILED,
            "The chain would not carry out the transaction: it simulated it with the payer, the gas limit, the fee "
            "token and the validity that were signed.",
        )


def _would_be_mined(simulated: Any) -> bool:
    """What a node made of the transaction; True, too, where it cannot simulate. Raises RailUnavailable."""
    if not isinstance(simulated, JsonRpcError):
        return True
    if simulated.code in _NOT_SIMULATED:
        logger.warning("the node cannot simulate Tempo transactions: JSON-RPC error %s", simulated.code)
        return True
    if simulated.code == _REVERTED or _CANNOT_BE_MINED.search(simulated.message):
        return False
    raise RailUnavailable(SILENT)


def _check_fee_token(token: str) -> None:
    if not token.startswith(_TIP_20):
        raise rejected(VERIFICATION_FAILED, "The fee token is not a TIP-20 token.")


def _simulation(transaction: SignedTransaction, payer: str, *overrides: dict[str, str]) -> Question[bytes]:
    """The transaction as `eth_call` takes it; without gas prices, which are judged beside it.

    `overrides` are of state and block, as the node takes them.
    """
    fields: dict[str, Any] = {
        "type": "0x76",
        "gas": hex(transaction.gas),
        "nonceKey": hex(EXPIRING_NONCE_KEY),
        "nonce": "0x0",
        "validBefore": hex(transaction.valid_before),
    }
    if transaction.fee_token is not None:
        fields["feeToken"] = transaction.fee_token
    question = call(transaction.transfer.token, transaction.call_data, sender=payer, **fields)
    return replace(question, params=(*question.params, *overrides))


def _call(contract: str, signature: str, *addresses: str) -> Question[bytes]:
    return call(contract, call_data(signature, *addresses))


def _result(answer: Any) -> Any:
    """Raises RailUnavailable for an error."""
    if isinstance(answer, JsonRpcError):
        raise RailUnavailable(SILENT)
    return answer


def _amount(answer: Any) -> int:
    """The last word that a call returned. Raises RailUnavailable where there is none."""
    returned = words(_result(answer))
    if not returned:
        raise RailUnavailable(SILENT)
    return returned[-1]


def _chosen(answer: Any) -> str | None:
    """The token that an account has chosen to pay its gas in; None when it has not."""
    return f"0x{token:040x}" if (token := _amount(answer)) else None
