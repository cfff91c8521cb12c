"""The sandbox's buyer account for the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SandboxWallet:
    """The sandbox's buyer account in the page. Its key is public: no other profile may offer it.

    Attributes:
        address, key: of the account, 0x and 40 or 64 hex digits.
        rpc_urls: of the nodes that the wallet calls from the browser, by rail.
        script: the wallet's JavaScript module, bundled.
    """

    address: str
    key: str
    rpc_urls: Mapping[str, str] = field(hash=False)
    script: bytes
