"""The commands of `clearcanvas receipt`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clearcanvas.client import RECEIPT_SUFFIX
from clearcanvas.errors import InvalidSetting
from clearcanvas.verification import beside, verify

app = typer.Typer(help="Signed receipts of a service.", no_args_is_help=True)


@app.callback()
def receipts() -> None:
    """Signed receipts of a service."""


@app.command("verify")
def check(
    file: Annotated[Path, typer.Argument(help="A receipt: NAME.receipt.json, or the answer of /v1/receipts/ID.")],
    key: Annotated[
        str,
        typer.Option(
            metavar="FILE|KEY",
            show_default=False,
            help="A file with the service's public keys (https://HOST/.well-known/jwks.json), or the x of one key.",
        ),
    ],
    picture: Annotated[Path | None, typer.Option(help="The picture that was sent, to check its digest.")] = None,
    result: Annotated[
        Path | None, typer.Option(help="The file that was delivered. Default: the file beside the receipt.")
    ] = None,
) -> None:
    """Check offline that the service signed a receipt, and that the receipt names these files.

    Examples:

      curl -o keys.json https://HOST/.well-known/jwks.json

      clearcanvas receipt verify cutouts/photo.png.receipt.json --key keys.json --picture photo.jpg
    """
    keys = _read(Path(key)) if Path(key).is_file() else key.encode()
    result = result or beside(file, RECEIPT_SUFFIX)
    contents = [_read(path) if path else None for path in (picture, result)]
    claims = verify(_text(file), keys.decode(errors="replace"), picture=contents[0], result=contents[1])
    console = Console()
    for name, value in claims.items():
        console.print(f"{name}: {value}", markup=False, highlight=False, soft_wrap=True)
    compared = " and ".join(str(path) for path in (picture, result) if path)
    console.print(f"The signature is valid{f', and so is the digest of {compared}' if compared else ''}.", markup=False)


def _text(path: Path) -> str:
    return _read(path).decode(errors="replace")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidSetting(f"{path} cannot be read: {error.strerror}.") from None
