"""The description of the MPP rail; importing this loads no SDK."""

from collections.abc import Sequence
from pathlib import Path

from payments.development_accounts import SELLER
from payments.diagnosis import Finding
from payments.money import Price
from payments.mpp.config import SANDBOX_SECRET, MppConfig
from payments.rail import Rail
from payments.rail_info import Network, PaymentInfo, RailDependencies, RailInfo

PATH_USD = "0x20c0000000000000000000000000000000000000"
ALPHA_USD = "0x20c0000000000000000000000000000000000001"
"""The second dollar of the local Tempo chain."""
USDC_E = "0x20C000000000000000000000b9537d11c60E8b50"
"""The default token of both SDKs on Tempo, and of most wallets there."""
_DECIMALS = 6


def _build(config: MppConfig, needs: RailDependencies) -> Rail:
    from payments.mpp.rail import MppRail  # noqa: PLC0415  # loads the SDK

    return MppRail(config, host=needs.host, hosts=needs.hosts, ledger_id=needs.ledger_id)


async def _diagnose(config: MppConfig, needs: RailDependencies) -> Sequence[Finding]:
    from payments.mpp.diagnosis import diagnose  # noqa: PLC0415  # loads the SDK

    return await diagnose(config, {RAIL.token_name(token): token for token in config.currencies})


def _payment_info(tokens: Sequence[str], price: Price) -> PaymentInfo:
    """One offer for each token (draft-payment-discovery-00)."""
    terms = [{"method": "tempo", "intent": "charge", "currency": token} for token in tokens]
    amount = str(price.base_units(_DECIMALS))
    described = {"amount": amount, "description": "Background removal for one image"}
    return PaymentInfo([{"mpp": each} for each in terms], [{**each, **described} for each in terms])


RAIL = RailInfo(
    name="mpp",
    label="MPP",
    section=MppConfig,
    presets={
        "sandbox": {
            "rpc_url": "http://127.0.0.1:18546",
            "recipient": SELLER,
            "currencies": (PATH_USD, ALPHA_USD),
            "secret_key": SANDBOX_SECRET,
            # The local chain mines no transaction that is valid for longer than 30 seconds.
            "challenge_seconds": 25,
        },
        "testnet": {"rpc_url": "https://rpc.moderato.tempo.xyz"},
        "mainnet": {"chain_id": 4217, "currencies": (PATH_USD, USDC_E), "rpc_url": "https://rpc.tempo.xyz"},
    },
    networks={
        4217: Network("Tempo", is_real=True, explorer="https://explore.tempo.xyz/tx/"),
        42431: Network("Tempo Moderato", is_real=False, explorer="https://explore.testnet.tempo.xyz/tx/"),
    },
    token_names={PATH_USD: "pathUSD", ALPHA_USD: "AlphaUSD", USDC_E.lower(): "USDC.e"},
    asset_evidence="currency",
    payment_headers={"Authorization": "A payment over MPP: `Payment` and the credential for one of the challenges."},
    quote_headers={"WWW-Authenticate": "One `Payment` challenge for each accepted token."},
    receipt_headers={"Payment-Receipt": "The receipt of an MPP payment, Base64 of JSON."},
    quote_members={
        "description": "`challengeId` is the id of the first challenge in `WWW-Authenticate`.",
        "properties": {"challengeId": {"type": "string"}},
    },
    payment_info=_payment_info,
    pages=Path(__file__).parent / "pages",
    test_wallet_calls_node=True,
    programs={"python": "python/buy_mpp.py", "node": "node/buy_mpp.mts"},
    build=_build,
    diagnose=_diagnose,
)
