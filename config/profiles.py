"""The defaults of each profile, by dotted name, where they differ from the settings' own."""

from collections.abc import Mapping
from typing import Any

PATH_USD = "0x20c0000000000000000000000000000000000000"
ALPHA_USD = "0x20c0000000000000000000000000000000000001"
"""The second dollar of the local Tempo chain."""
USDC_E = "0x20C000000000000000000000b9537d11c60E8b50"
"""The default coin of both SDKs on Tempo, and of most wallets there."""
_SELLER = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
_SETTLER_KEY = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"

SANDBOX_SECRET = "clearcanvas sandbox, known to everybody"  # noqa: S105  # public on purpose, refused on mainnet

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "sandbox": {
        "database_url": "sqlite:///state/ledger.sqlite3",
        "trusted_proxies": ("127.0.0.1",),
        "x402.rpc_url": "http://127.0.0.1:18545",
        "x402.pay_to": _SELLER,
        "x402.settlement_key": _SETTLER_KEY,
        "mpp.rpc_url": "http://127.0.0.1:18546",
        "mpp.recipient": _SELLER,
        "mpp.currencies": (PATH_USD, ALPHA_USD),
        "mpp.secret_key": SANDBOX_SECRET,
        # The local chain mines no transaction that is valid for longer than 30 seconds.
        "mpp.challenge_seconds": 25,
    },
    "testnet": {
        "x402.rpc_url": "https://sepolia.base.org",
        "x402.facilitator_url": "https://x402.org/facilitator",
        "mpp.rpc_url": "https://rpc.moderato.tempo.xyz",
    },
    "mainnet": {
        "x402.chain_id": 8453,
        "x402.asset": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
        "mpp.chain_id": 4217,
        "mpp.currencies": (PATH_USD, USDC_E),
        "mpp.rpc_url": "https://rpc.tempo.xyz",
    },
}

DEVELOPMENT_ADDRESSES = frozenset(
    {
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
        "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
        "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
        "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
        "0x976EA74026E726554dB657fA54763abd0C3a0aa9",
        "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955",
        "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f",
        "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
    }
)
"""The ten accounts of every anvil and hardhat; their keys are printed in their manuals."""
