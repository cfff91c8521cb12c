"""The default accounts of anvil and hardhat. Their keys are public, so they are for test networks only."""

from eth_utils.address import to_checksum_address

SELLER = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
SETTLER_KEY = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"
"""The sandbox's recipient, and the key that pays its gas."""

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


def is_development(address: str | None) -> bool:
    """Whether an address, in any letter case, is a development account."""
    return address is not None and to_checksum_address(address) in DEVELOPMENT_ADDRESSES
