"""What only the chain can say before the work: is the transaction new, would a block take it, can the payer pay it?"""

import asyncio

from payments.mpp.chain import Chain
from payments.mpp.problems import PAYMENT_INSUFFICIENT, VERIFICATION_FAILED, rejected
from payments.mpp.transaction import SignedTransaction

_TIP_20 = "0x20c000000000000000000000"
_LOWEST_NEXT_FEE = 7 / 8  # of the latest block's, on a chain whose fee floats (EIP-1559)


async def check_on_chain(chain: Chain, transaction: SignedTransaction, payer: str, amount: int, currency: str) -> int:
    """Ask the chain about a payment that is right in itself.

    Tempo takes the price of all the gas a transaction allows before it runs the transfer, and gives back the rest.
    Where the payer names no fee token, the token that is called pays. Whether another token can be changed into the
    one that the chain's validator wants is not looked at.

    Returns:
        Base units of the currency that the payer can spend on prices: the balance without this payment's highest fee,
        where the same token pays that.

    Raises:
        PaymentRejected: its transaction is on the chain already, or its highest gas price below what the chain asks, or
            the payer's balance too low.
        RailUnavailable: the chain does not answer.
    """
    currency = currency.lower()
    fee_token = (transaction.fee_token or currency).lower()
    if not fee_token.startswith(_TIP_20):
        raise rejected(VERIFICATION_FAILED, "The fee token is no TIP-20 token.")
    tokens = tuple({currency, fee_token})
    known, base_fee, *held = await asyncio.gather(
        chain.is_known(transaction), chain.base_fee(), *(chain.balance_of(token, payer) for token in tokens)
    )
    if known:
        raise rejected(VERIFICATION_FAILED, "The transaction is on the chain already and did not come through here.")
    if transaction.gas_price < base_fee * _LOWEST_NEXT_FEE:
        raise rejected(VERIFICATION_FAILED, "The transaction's highest gas price is below the chain's base fee.")
    left = dict(zip(tokens, held, strict=True))
    left[fee_token] -= transaction.max_fee
    if left[currency] < amount or left[fee_token] < 0:
        raise rejected(
            PAYMENT_INSUFFICIENT, "The payer's balance does not cover the price and the highest fee the payer allows."
        )
    return left[currency]
