"""The names by which people know the chains and the tokens that settings give by number and address."""

from collections.abc import Mapping

from config.profiles import ALPHA_USD, PATH_USD, USDC_E

NETWORK_NAMES: Mapping[int, str] = {8453: "Base", 84532: "Base Sepolia", 4217: "Tempo", 42431: "Tempo Moderato"}
"""By EIP-155 chain id; every id that a setting can have."""

TOKEN_NAMES: Mapping[str, str] = {
    address.lower(): name
    for address, name in (
        ("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "USDC"),
        ("0x036CbD53842c5426634e7929541eC2318f3dCF7e", "USDC"),
        (PATH_USD, "pathUSD"),
        (ALPHA_USD, "AlphaUSD"),
        (USDC_E, "USDC.e"),
    )
}
"""By lower-case address; another token is named by its address."""
