"""MPP, method `tempo`, intent `charge`: dollars on Tempo and on its testnet. The wallet also pays the network's fee."""

import time

import httpx
from mpp import Challenge
from mpp.client import CredentialParams
from mpp.errors import PaymentError
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo import client as tempo
from mpp.methods.tempo.client import EXPIRING_NONCE_VALID_BEFORE_SECS, TransactionError

from clearcanvas.errors import CannotBuy, WalletProblem
from clearcanvas.payment import Payment
from clearcanvas.quote import Offer, Quote
from clearcanvas.wallet import Wallet

HEADER = "Authorization"
_PATH_USD = "0x20c0000000000000000000000000000000000000"
_USDC_E = "0x20c000000000000000000000b9537d11c60e8b50"
COINS = {4217: (_PATH_USD, _USDC_E), 42431: (_PATH_USD,)}
"""By chain, in lower case. Other tokens may have other units or no value."""
NODES = {4217: "https://rpc.tempo.xyz", 42431: "https://rpc.moderato.tempo.xyz"}


class Mpp:
    """Pays with `wallet`; without a wallet it only quotes prices.

    Args:
        rpc_url: the Tempo node for chain and gas; None for the public node of the quoted chain.
    """

    name = "mpp"
    quotes_last = False

    def __init__(self, wallet: Wallet | None, rpc_url: str | None = None) -> None:
        self._wallet = wallet
        self._rpc_url = rpc_url

    def offer(self, quote: Quote) -> Offer | None:
        """The first challenge in an accepted token."""
        for challenge in filter(_is_payable, quote.mpp):
            chain, request = _chain(challenge), challenge.request
            return Offer(
                self.name, f"eip155:{chain}", request["currency"], request["recipient"], int(request["amount"])
            )
        return None

    async def sign(self, quote: Quote, offer: Offer, order: str) -> Payment:
        """A transaction with an expiring nonce, bound to the challenge; each challenge pays one picture."""
        if self._wallet is None:
            raise WalletProblem("Signing requires a wallet with a key.")
        [challenge, *_] = filter(_is_payable, quote.mpp)
        chain, now = _chain(challenge), int(time.time())
        node = self._rpc_url or NODES[chain]
        method = tempo.charge(
            account=TempoAccount.from_key(self._wallet.key),
            chain_id=chain,
            rpc_url=node,
            currencies=COINS[chain],
            max_atomic_amount=offer.amount,
            expected_recipients=[offer.payee],
        )
        try:
            value = await method.create_credential(CredentialParams(challenge=challenge))
        except (PaymentError, TransactionError, ValueError, KeyError, httpx.HTTPError) as error:
            raise CannotBuy(
                f"The MPP quote cannot be signed with the node at {node}: {error or type(error).__name__}"
            ) from None
        return Payment(
            order=order,
            rail=self.name,
            network=offer.network,
            asset=offer.asset,
            payee=offer.payee,
            payer=self._wallet.address,
            amount=offer.amount,
            header=HEADER,
            value=value,
            signed_at=now,
            expires_at=int(time.time()) + EXPIRING_NONCE_VALID_BEFORE_SECS,  # at the latest
        )


def _chain(challenge: Challenge) -> int:
    details = challenge.request.get("methodDetails")
    chain = details.get("chainId") if isinstance(details, dict) else None
    return chain if isinstance(chain, int) else 0


def _is_payable(challenge: Challenge) -> bool:
    request = challenge.request
    coin, amount, payee = (str(request.get(name, "")) for name in ("currency", "amount", "recipient"))
    is_ours = challenge.method == "tempo" and challenge.intent == "charge" and bool(payee)
    return is_ours and coin.lower() in COINS.get(_chain(challenge), ()) and amount.isdecimal() and int(amount) > 0
