"""What only the chain can say before the work: is the transaction new, and does the payer hold what it would take?"""

import asyncio

from payments.mpp.chain import Chain
from payments.mpp.problems import PAYMENT_INSUFFICIENT, VERIFICATION_FAILED, rejected
from payments.mpp.transaction import SignedTransaction


async def check_on_chain(chain: Chain, transaction: SignedTransaction, payer: str, amount: int, currency: str) -> None:
    """Ask the chain about a payment that is right in itself.

    Raises:
        PaymentRejected: its transaction is on the chain already, or the payer's balance is too low.
        RailUnavailable: the chain does not answer.
    """
    known, balance = await asyncio.gather(chain.is_known(transaction), chain.balance_of(currency, payer))
    if known:
        raise rejected(VERIFICATION_FAILED, "The transaction is on the chain already and did not come through here.")
    if balance < _need(transaction, amount, currency):
        raise rejected(
            PAYMENT_INSUFFICIENT, "The payer's balance does not cover the price and the highest fee the payer allows."
        )


def _need(transaction: SignedTransaction, amount: int, currency: str) -> int:
    """The price, and the highest fee where the same token pays it; a fee in another token is not looked at.

    Tempo takes the price of all the gas a transaction allows before it runs the transfer, and gives back the rest.
    Where the payer names no fee token, the token that is called pays.
    """
    pays_fee = (transaction.fee_token or currency).lower() == currency.lower()
    return amount + (transaction.max_fee if pays_fee else 0)
