"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from clearcanvas.errors import InvalidSetting
from clearcanvas.rails.choice import RailName

Url = Annotated[
    str, typer.Option("--url", envvar="BUYER_URL", help="The service: https://HOST.", show_default=False, metavar="URL")
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        help="A file with the wallet's private key, readable only by you (chmod 600). Default: the variable BUYER_KEY."
    ),
]
MaxSpend = Annotated[
    str,
    typer.Option(
        metavar="DOLLARS",
        help="Limit for all payments of the journal together, over all runs. Raise it to continue.",
    ),
]
MaxPrice = Annotated[str, typer.Option(metavar="DOLLARS", help="Limit for one picture.")]
Rail = Annotated[RailName, typer.Option(help="How to pay: x402 (USDC on Base) or mpp (pathUSD on Tempo).")]
TempoRpcUrl = Annotated[
    str | None,
    typer.Option(envvar="TEMPO_RPC_URL", metavar="URL", help="The Tempo node for MPP. Default: the public one."),
]
AllowHttp = Annotated[bool, typer.Option("--allow-http", help="Accept plain http to other machines.")]
Format = Annotated[str, typer.Option(help="png, webp or jpeg; jpeg needs a colour: -O bg_color=ffffff.")]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option", "-O", metavar="NAME=VALUE", help="Any option of the service: model, bg_color, crop, size, ..."
    ),
]


def parsed(pairs: list[str] | None) -> dict[str, str]:
    """Parse `NAME=VALUE` pairs.

    Raises:
        InvalidSetting: one is not such a pair.
    """
    options = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise InvalidSetting(f"--option {pair} must be NAME=VALUE, such as model=birefnet.")
        options[name] = value
    return options
