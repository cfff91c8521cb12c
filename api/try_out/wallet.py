"""The sandbox's buyer, as the page is told of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SandboxWallet:
    """The sandbox's buyer account in the page. Its key is public: no other profile may have one.

    Attributes:
        address, key: of the account, 0x and 40 or 64 hex digits.
        tempo_rpc_url: of the Tempo node that the browser asks for gas.
        script: the wallet's JavaScript module, bundled.
    """

    address: str
    key: str
    tempo_rpc_url: str
    script: bytes
