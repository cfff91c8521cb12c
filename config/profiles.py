"""The defaults of each profile, by dotted name, if they differ from the settings' own."""

from collections.abc import Iterable, Mapping
from typing import Any

from payments import RailInfo, ReceiptConfig

_ROOT: Mapping[str, Mapping[str, Any]] = {
    "sandbox": {
        "database_url": "sqlite:///state/ledger.sqlite3",
        "trusted_proxies": ("127.0.0.1",),
        "receipts.signing_key": ReceiptConfig.sandbox_key,
    },
    "testnet": {},
    "mainnet": {},
}
PROFILES = tuple(_ROOT)


def preset(profile: str, rails: Iterable[RailInfo[Any]]) -> dict[str, Any]:
    """The presets of a profile, including those of the rails; an unknown profile has those of the sandbox."""
    profile = profile if profile in _ROOT else "sandbox"
    of_rails = {f"{rail.name}.{name}": value for rail in rails for name, value in rail.presets[profile].items()}
    return {**_ROOT[profile], **of_rails}
