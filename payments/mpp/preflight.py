"""Checks on the chain before the work: the transaction is new, can be mined, and its payer has the money."""

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
    "The transaction of this payment has already paid, but not through this service's ledger. "
    "Do not pay again; ask the operator for the result or a refund."
)
_TIP_20 = "0x20c000000000000000000000"
_FEE_MANAGER = "0xfeec000000000000000000000000000000000000"
_LOWEST_NEXT_FEE = 7 / 8  # of the latest block's, on a chain whose fee floats (EIP-1559)
_NOT_SIMULATED = (-32700, -32600, -32601, -32602)  # the node does not support Tempo transactions
_REVERTED = 3
_CANNOT_BE_MINED = re.compile(r"revert|intrinsic gas|out of gas|OOG|insufficient|expired|valid_before|not valid|nonce")
"""Words in the chain's messages for such a transaction; JSON-RPC has no codes for them. Every other error of a node,
such as a rate limit, is an outage."""


async def check_on_chain(
    chain: Chain, transaction: SignedTransaction, payer: str, *, currencies: tuple[str, ...]
) -> int:
    """Check an otherwise valid payment on the chain.

    Tempo charges for the whole gas limit of a transaction before it executes the transfer, and refunds the rest.

    Args:
        currencies: lower-case addresses of the accepted tokens. Gas may be paid in them, and in any token that the
            chain can exchange for the first of them.

    Returns:
        The payer's spendable balance of the transferred token in base units: without this payment's maximum fee, if
        the same token pays it.

    Raises:
        PaymentSpentElsewhere: its transaction has already paid.
        PaymentRejected: the transaction cannot be mined, was or would be reverted, or the payer's balance is too low.
        RailUnavailable: the chain does not respond.
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
            PAYMENT_INSUFFICIENT, "The payer's balance does not cover the price and the transaction's maximum fee."
        )
    if not _would_be_mined(simulated):
        await _check_at_this_moment(chain, transaction, payer)
    return left[token]


async def _held_for_fees(chain: Chain, token: str, payer: str, fee: int, currencies: tuple[str, ...]) -> int:
    """The payer's balance of a token that only pays the gas. Validators receive fees in a token of their choice. An
    accepted token is assumed to be exchangeable for it; for other tokens the chain is asked."""
    _check_fee_token(token)
    _, (held, pool) = await chain.ask(
        _call(token, "balanceOf(address)", payer),
        _call(_FEE_MANAGER, "getPool(address,address)", token, currencies[0]),
    )
    if token not in currencies and (isinstance(pool, JsonRpcError) or _amount(pool) < fee):
        raise rejected(VERIFICATION_FAILED, "The chain cannot exchange the fee token for one its validators accept.")
    return _amount(held)


def _check_new(known: TransactionReceipt | None) -> None:
    if known is None:
        return
    if known.succeeded:
        raise PaymentSpentElsewhere(SPENT, paid_us=True)
    raise rejected(VERIFICATION_FAILED, "The transaction was reverted on the chain. Nothing was charged.")


def _check_gas(head: Block, transaction: SignedTransaction) -> None:
    if transaction.gas_price < head.base_fee * _LOWEST_NEXT_FEE:
        raise rejected(VERIFICATION_FAILED, "The transaction's maximum gas price is below the chain's base fee.")
    if transaction.gas > head.gas_limit:
        raise rejected(VERIFICATION_FAILED, "The transaction's gas limit exceeds that of a block.")


async def _check_at_this_moment(chain: Chain, transaction: SignedTransaction, payer: str) -> None:
    """Simulate again at the current time: the latest block may be some seconds old, and a transaction may expire only
    a limited time after its block."""
    now = {"time": hex(int(chain.clock.now()))}
    _, (simulated,) = await chain.ask(_simulation(transaction, payer, {}, now))
    if not _would_be_mined(simulated):
        raise rejected(
            VERIFICATION_FAILED,
            "The chain would not execute the transaction, simulated with the signed payer, gas limit, fee token and "
            "validity.",
        )


def _would_be_mined(simulated: Any) -> bool:
    """Whether the simulation succeeded; also True if the node cannot simulate. Raises RailUnavailable."""
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
    """The transaction for `eth_call`, without gas prices, which are checked separately.

    `overrides`: of state and block, for the node.
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
    """The last word that a call returned. Raises RailUnavailable if there is none."""
    returned = words(_result(answer))
    if not returned:
        raise RailUnavailable(SILENT)
    return returned[-1]


def _chosen(answer: Any) -> str | None:
    """The token in which an account has chosen to pay its gas, if any."""
    return f"0x{token:040x}" if (token := _amount(answer)) else None
