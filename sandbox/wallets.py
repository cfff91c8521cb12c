"""Signs quotes with the official SDKs, step by step: for tests and load tests that hold the payment in their hands.

A signature moves no money; sending it does. Every function takes a private key (0x and 64 hex digits) and what the 402
carried, and gives the header field to send along. Buyers who need no steps take the whole clients: see examples/.
"""

import re

from eth_account import Account
from mpp import Challenge
from mpp.client import CredentialParams
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo import client as tempo
from x402 import x402ClientSync
from x402.http.utils import decode_payment_required_header, encode_payment_signature_header
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.schemas.v1 import PaymentRequiredV1


def sign_x402(key: str, payment_required: str) -> dict[str, str]:
    """Pay an x402 v2 quote: the value of PAYMENT-REQUIRED. Each payment is a purchase of its own: the name that the
    quote suggests, and that the client would echo, is left out."""
    quote = decode_payment_required_header(payment_required).model_copy(update={"extensions": None})
    payload = _x402_client(key).create_payment_payload(quote)
    return {"PAYMENT-SIGNATURE": encode_payment_signature_header(payload)}


def sign_x402_v1(key: str, body: bytes) -> dict[str, str]:
    """Pay an x402 v1 quote: the JSON body of the 402."""
    payload = _x402_client(key).create_payment_payload(PaymentRequiredV1.model_validate_json(body))
    return {"X-PAYMENT": encode_payment_signature_header(payload)}


async def sign_mpp(key: str, www_authenticate: str, rpc_url: str) -> dict[str, str]:
    """Pay an MPP quote: the value of WWW-Authenticate, several of them joined by commas; the first challenge is paid.
    Asks the node at `rpc_url` for chain id and gas."""
    wallet = tempo.charge(account=TempoAccount.from_key(key), rpc_url=rpc_url)
    first, *_ = challenges(www_authenticate)
    return {"Authorization": await wallet.create_credential(CredentialParams(challenge=first))}


def challenges(www_authenticate: str) -> list[Challenge]:
    """The Payment challenges in one value, which HTTP libraries make of several fields of this name."""
    return [Challenge.from_www_authenticate(each) for each in re.split(r",\s*(?=Payment )", www_authenticate)]


def _x402_client(key: str) -> x402ClientSync:
    return register_exact_evm_client(x402ClientSync(), EthAccountSigner(Account.from_key(key)))
