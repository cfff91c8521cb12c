"""Chooses the rails of a buyer."""

from collections.abc import Sequence
from typing import Literal

from clearcanvas.errors import InvalidSetting
from clearcanvas.rails import Rail
from clearcanvas.rails.mpp import Mpp
from clearcanvas.rails.x402 import X402
from clearcanvas.wallet import Wallet

RailName = Literal["auto", "x402", "mpp"]


def rails(name: RailName, wallet: Wallet | None, tempo_rpc_url: str | None = None) -> Sequence[Rail]:
    """The rails in order of preference. Without a wallet they quote prices and cannot sign.

    Raises:
        InvalidSetting: no such rail.
    """
    x402, mpp = X402(wallet), Mpp(wallet, tempo_rpc_url)
    known: dict[str, Sequence[Rail]] = {"auto": [x402, mpp], "x402": [x402], "mpp": [mpp]}
    if name not in known:
        raise InvalidSetting(f"The rail must be one of {', '.join(known)}.")
    return known[name]
