"""The signing process of the load tests."""

import base64
import json
from contextlib import closing

from loadtests.wallet import NEW_ACCOUNT, Wallet
from sandbox.accounts import BUYER

QUOTE = {
    "x402Version": 2,
    "error": "payment required",
    "resource": {"url": "http://127.0.0.1/v1/remove-background", "description": "a cut-out", "mimeType": "image/png"},
    "accepts": [
        {
            "scheme": "exact",
            "network": "eip155:84532",
            "amount": "50000",
            "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
            "payTo": "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
            "maxTimeoutSeconds": 120,
            "extra": {"name": "USDC", "version": "2"},
        }
    ],
}


def test_each_signature_is_a_new_payment_of_the_account() -> None:
    """Two calls on one quote: two nonces, so that no buyer of a load test pays with another's payment."""
    quote = base64.b64encode(json.dumps(QUOTE).encode()).decode()
    with closing(Wallet("http://127.0.0.1:9")) as wallet:
        payments = [wallet.sign("x402-v2", BUYER.key, quote)["PAYMENT-SIGNATURE"] for _ in range(2)]
    authorizations = [json.loads(base64.b64decode(payment))["payload"]["authorization"] for payment in payments]
    assert {authorization["from"] for authorization in authorizations} == {BUYER.address}
    assert len({authorization["nonce"] for authorization in authorizations}) == 2


def test_a_new_account_is_another_one_each_time() -> None:
    quote = base64.b64encode(json.dumps(QUOTE).encode()).decode()
    with closing(Wallet("http://127.0.0.1:9")) as wallet:
        payments = [wallet.sign("x402-v2", NEW_ACCOUNT, quote)["PAYMENT-SIGNATURE"] for _ in range(2)]
    payers = {json.loads(base64.b64decode(payment))["payload"]["authorization"]["from"] for payment in payments}
    assert len(payers) == 2
    assert BUYER.address not in payers
