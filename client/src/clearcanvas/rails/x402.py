"""x402, protocol version 2, scheme `exact`: USDC on Base and on its testnet, and nothing else."""

import time

from x402 import x402Client
from x402.http.utils import encode_payment_signature_header
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.schemas import PaymentError, PaymentPayload, PaymentRequirements

from clearcanvas.errors import CannotBuy, WalletProblem
from clearcanvas.payment import Payment
from clearcanvas.quote import Offer, Quote
from clearcanvas.wallet import Wallet

HEADER = "PAYMENT-SIGNATURE"
LONGEST_S = 3600
"""The longest validity that this client signs."""
_USUAL = {"assetTransferMethod": "eip3009", "paymentFlow": "authorization"}
"""Other methods approve more than one transfer, or charge before the work."""
USDC = {
    "eip155:8453": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
    "eip155:84532": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
}
"""By network. Other tokens may have other units or no value."""


class X402:
    """Pays with `wallet`; without a wallet it only quotes prices."""

    name = "x402"
    quotes_last = True

    def __init__(self, wallet: Wallet | None) -> None:
        self._wallet = wallet

    def offer(self, quote: Quote) -> Offer | None:
        """The first requirement in USDC."""
        for accepted in _payable(quote):
            return Offer(self.name, accepted.network, accepted.asset, accepted.pay_to, int(accepted.amount))
        return None

    async def sign(self, quote: Quote, offer: Offer, order: str) -> Payment:
        """An EIP-3009 authorization; its nonce is random, so one quote can be signed for many pictures."""
        if quote.x402 is None or self._wallet is None:
            raise WalletProblem("Signing requires an x402 quote and a wallet with a key.")
        now, [chosen, *_] = int(time.time()), _payable(quote)
        client = register_exact_evm_client(x402Client(), EthAccountSigner(self._wallet.account))
        client.set_spend_controls(False)  # ours are stricter: two tokens, --max-price, the journal's budget
        try:
            signed = await client.create_payment_payload(quote.x402.model_copy(update={"accepts": [chosen]}))
        except (PaymentError, ValueError) as error:
            raise CannotBuy(f"The x402 quote cannot be signed: {error}") from None
        if not isinstance(signed, PaymentPayload):
            raise CannotBuy("The x402 quote must be of protocol version 2.")
        return Payment(
            order=order,
            rail=self.name,
            network=offer.network,
            asset=offer.asset,
            payee=offer.payee,
            payer=self._wallet.address,
            amount=offer.amount,
            header=HEADER,
            value=encode_payment_signature_header(signed),
            signed_at=now,
            expires_at=int(signed.payload["authorization"]["validBefore"]),
        )


def _payable(quote: Quote) -> list[PaymentRequirements]:
    return [each for each in quote.x402.accepts if _is_payable(each)] if quote.x402 else []


def _is_payable(offered: PaymentRequirements) -> bool:
    token, extra = USDC.get(offered.network), offered.extra or {}
    is_usdc = token is not None and offered.asset.lower() == token.lower()
    is_plain = all(extra.get(name) in {None, usual} for name, usual in _USUAL.items())
    is_short = 0 < offered.max_timeout_seconds <= LONGEST_S
    is_sum = offered.amount.isdecimal() and int(offered.amount) > 0
    return offered.scheme == "exact" and is_usdc and is_plain and is_short and is_sum
