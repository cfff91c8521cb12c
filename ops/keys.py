"""`keys new | rotate`: creates and rotates secrets. They go to files; only `--show` prints one."""

import os
import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from config import load, variable
from ops.access import Yes, confirm, fail, told
from payments import RailSection
from settings_types import account_of

app = typer.Typer(
    no_args_is_help=True,
    help="Create and rotate secrets: settlement key, MPP secret, runners' token, receipt signing key.",
)


class Kind(StrEnum):
    """The kinds of secrets."""

    SETTLEMENT = "settlement"
    MPP = "mpp"
    RUNNER = "runner"
    RECEIPTS = "receipts"


@dataclass(frozen=True, slots=True)
class Secret:
    """The setting of a secret, and the name of its file as in deploy/make_secrets.sh."""

    setting: str
    file: str


_SECRETS = {
    Kind.SETTLEMENT: Secret("x402.settlement_key", "x402_settlement_key"),
    Kind.MPP: Secret("mpp.secret_key", "mpp_secret_key"),
    Kind.RUNNER: Secret("runner.token", "runner_token"),
    Kind.RECEIPTS: Secret("receipts.signing_key", "receipts_signing_key"),
}
_UNROTATED = {
    Kind.RUNNER: "API and runners must have the same token at any time: create one for all with `new`",
    Kind.RECEIPTS: "the service must list the old public key: see docs/receipts.md, and create the new key with `new`",
}
_PREVIOUS = Secret("mpp.previous_secret_key", "mpp_previous_secret_key")
_MPP_STEPS = """Then restart the service. Quotes of the old secret stay valid; remove the previous secret after the
longest quote has expired (mpp.challenge_seconds; 300 s by default).
Several hosts: first set the new secret as {previous} on every host, then exchange the two everywhere, then remove the
old one."""
_SETTLEMENT_STEPS = """1. Send ETH to {new}: the new account pays the gas.
2. Restart the service. Quotes stay valid, and the new key settles new payments.
3. Leave the old account its gas until its last transaction is in a block, then empty it: its key is in {old}."""
What = Annotated[
    Kind,
    typer.Argument(
        help="settlement settles x402; mpp signs quotes; runner authenticates API and runners; receipts signs receipts."
    ),
]


@app.command()
def new(
    what: What,
    out: Annotated[Path | None, typer.Option(help="A new file that only its owner can read.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the secret instead.")] = False,
) -> None:
    """Create a secret and print the setting that must name it.

    python -m ops keys new settlement --out /etc/clearcanvas/secrets/x402_settlement_key
    """
    if (out is None) is not show:
        raise typer.BadParameter("pass either --out FILE or --show")
    secret = _made(what)
    setting = variable(_SECRETS[what].setting)
    if out is None:
        typer.echo(secret)
    else:
        _write(out, secret, exclusive=True)
        typer.echo(f"{setting}_FILE={out.absolute()}")
    if what is Kind.SETTLEMENT:
        typer.echo(f"Its account is {account_of(SecretStr(secret))}. It needs only ETH for gas.", err=True)


@app.command()
def rotate(
    what: Annotated[Kind, typer.Argument(help="settlement or mpp.")],
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="The folder with the files of the secrets.")
    ],
    leaked: Annotated[bool, typer.Option("--leaked", help="MPP: revoke the old secret.")] = False,
    yes: Yes = False,
) -> None:
    """Rotate a secret while the service sells, in a folder of files as deploy/make_secrets.sh writes them.

    The old secret is the folder's mpp_secret_key or x402_settlement_key, otherwise the one in the settings. MPP: it
    becomes mpp_previous_secret_key, and the service still accepts its quotes. Settlement: it is kept under another
    name, because its account may hold gas. Neither secret is printed.

      python -m ops keys rotate mpp deploy/secrets
    """
    if what in _UNROTATED:
        raise typer.BadParameter(_UNROTATED[what])
    confirm(f"Rotate {_SECRETS[what].file} in {folder}?", yes=yes)
    with told():
        (_rotate_mpp if what is Kind.MPP else _rotate_settlement)(folder, leaked=leaked)


def _rotate_mpp(folder: Path, *, leaked: bool) -> None:
    file, previous = folder / _SECRETS[Kind.MPP].file, folder / _PREVIOUS.file
    names = variable(_SECRETS[Kind.MPP].setting), variable(_PREVIOUS.setting)
    if not leaked:  # first, so that a stop in between leaves the old secret in both files
        _write(previous, _old(Kind.MPP, folder), like=file)
    _write(file, _made(Kind.MPP), like=file)
    typer.echo(f"{names[0]}_FILE={file.absolute()}")
    if leaked:
        previous.unlink(missing_ok=True)
        typer.echo(f"Remove {names[1]} and restart. Payments for quotes of the old secret are refused and not charged.")
        return
    typer.echo(f"{names[1]}_FILE={previous.absolute()}")
    typer.echo(_MPP_STEPS.format(previous=names[1]))


def _rotate_settlement(folder: Path, *, leaked: bool) -> None:
    file = folder / _SECRETS[Kind.SETTLEMENT].file
    old = _old(Kind.SETTLEMENT, folder)
    kept = file.with_name(f"{file.name}.{account_of(SecretStr(old))}")
    secret = _made(Kind.SETTLEMENT)
    _write(kept, old, like=file)
    _write(file, secret, like=file)
    typer.echo(f"{variable(_SECRETS[Kind.SETTLEMENT].setting)}_FILE={file.absolute()}")
    typer.echo(_SETTLEMENT_STEPS.format(new=account_of(SecretStr(secret)), old=kept))


def _made(what: Kind) -> str:
    """A new secret: 32 random bytes in hex."""
    return f"{'0x' if what is Kind.SETTLEMENT else ''}{secrets.token_hex(32)}"


def _old(what: Kind, folder: Path) -> str:
    """The current secret. Ends the command if there is none; raises ConfigurationError if the settings are invalid."""
    file = folder / _SECRETS[what].file
    if file.exists():
        return file.read_text().strip()
    rail, _, name = _SECRETS[what].setting.partition(".")
    section: RailSection = getattr(load(), rail)
    value: SecretStr | None = getattr(section, name)
    if value is None:
        fail(f"{file} does not exist, and {variable(_SECRETS[what].setting)} is not set: use `new`.")
    return value.get_secret_value()


def _write(file: Path, secret: str, *, like: Path | None = None, exclusive: bool = False) -> None:
    """Write a file atomically, with the mode of the file `like` if that exists."""
    mode = like.stat().st_mode & 0o777 if like and like.exists() else 0o600
    part = file.with_name(f"{file.name}.part")
    try:
        if exclusive and file.exists():
            fail(f"{file} already exists. Name a new file.")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(f"{secret}\n")
            opened.flush()
            os.fsync(descriptor)
        part.chmod(mode)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        fail(f"{file} cannot be written: {error.strerror}.")
