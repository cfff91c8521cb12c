"""The description of the x402 rail; importing this loads no SDK."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from payments.development_accounts import SELLER, SETTLER_KEY
from payments.diagnosis import Finding
from payments.money import Price
from payments.rail import Rail
from payments.rail_info import Json, Network, PaymentInfo, RailDependencies, RailInfo
from payments.x402.config import X402Config

USDC = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
TEST_USDC = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"


def _build(config: X402Config, needs: RailDependencies) -> Rail:
    from payments.x402.rail import X402Rail  # noqa: PLC0415  # loads web3

    lock = needs.lock("x402 settlement")
    return X402Rail(config, lock=lock, outbox=needs.outbox, highest_price=needs.highest_price)


async def _diagnose(config: X402Config, needs: RailDependencies) -> Sequence[Finding]:
    from payments.x402.diagnosis import diagnose  # noqa: PLC0415  # loads the SDK

    return await diagnose(config, needs)


def _payment_info(tokens: Sequence[str], price: Price) -> PaymentInfo:
    return PaymentInfo(protocols=[{"x402": {}}], offers=[])


def _documents(urls: Sequence[str]) -> Mapping[str, Json]:
    """The listing for x402 directories that do not read OpenAPI: version and the paid URLs."""
    return {"/.well-known/x402": {"version": 1, "resources": list(urls)}}


RAIL = RailInfo(
    name="x402",
    label="x402",
    section=X402Config,
    presets={
        "sandbox": {"rpc_url": "http://127.0.0.1:18545", "pay_to": SELLER, "settlement_key": SETTLER_KEY},
        "testnet": {"rpc_url": "https://sepolia.base.org", "facilitator_url": "https://x402.org/facilitator"},
        "mainnet": {"chain_id": 8453, "asset": USDC},
    },
    networks={
        8453: Network("Base", is_real=True, explorer="https://basescan.org/tx/"),
        84532: Network("Base Sepolia", is_real=False, explorer="https://sepolia.basescan.org/tx/"),
    },
    token_names={USDC.lower(): "USDC", TEST_USDC.lower(): "USDC"},
    payment_headers={
        "PAYMENT-SIGNATURE": "A payment over x402 version 2, Base64 of JSON: one of the quote's offers, signed.",
        "X-PAYMENT": "A payment over x402 version 1, Base64 of JSON.",
    },
    quote_headers={
        "PAYMENT-REQUIRED": "The x402 version 2 quote, Base64 of JSON.",
        "PAYMENT-RESPONSE": "Why the payment in PAYMENT-SIGNATURE was refused, Base64 of JSON.",
        "X-PAYMENT-RESPONSE": "Why the payment in X-PAYMENT was refused, Base64 of JSON.",
    },
    receipt_headers={
        "PAYMENT-RESPONSE": "The receipt of an x402 payment that came in PAYMENT-SIGNATURE, Base64 of JSON.",
        "X-PAYMENT-RESPONSE": "The receipt of an x402 payment that came in X-PAYMENT, Base64 of JSON.",
    },
    quote_members={
        "description": "The problem is at the same time an x402 version 1 quote.",
        "properties": {
            "x402Version": {"type": "integer"},
            "error": {"type": "string"},
            "accepts": {"type": "array", "items": {"type": "object"}},
        },
    },
    payment_info=_payment_info,
    documents=_documents,
    pages=Path(__file__).parent / "pages",
    programs={"python": "python/buy_x402.py", "node": "node/buy_x402_v2.mts", "signer": "curl/sign_x402.py"},
    has_browser_wallets=True,
    build=_build,
    diagnose=_diagnose,
)
