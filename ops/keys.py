"""`keys new | rotate`: secrets are made and changed here, and go to files; none is printed unless it is asked for."""

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
    help="Make and change secrets: settlement key, MPP secret, runners' token, key of the receipts.",
)


class Kind(StrEnum):
    """What is made."""

    SETTLEMENT = "settlement"
    MPP = "mpp"
    RUNNER = "runner"
    RECEIPTS = "receipts"


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret belongs: its setting, and its file's name as in deploy/make_secrets.sh."""

    setting: str
    file: str


_SECRETS = {
    Kind.SETTLEMENT: Secret("x402.settlement_key", "x402_settlement_key"),
    Kind.MPP: Secret("mpp.secret_key", "mpp_secret_key"),
    Kind.RUNNER: Secret("runner.token", "runner_token"),
    Kind.RECEIPTS: Secret("receipts.signing_key", "receipts_signing_key"),
}
_UNROTATED = {
    Kind.RUNNER: "API and runners need the same token at any time: make one for all with `new`",
    Kind.RECEIPTS: "the service has to list the old public key: see docs/receipts.md, and make the new one with `new`",
}
_PREVIOUS = Secret("mpp.previous_secret_key", "mpp_previous_secret_key")
_MPP_STEPS = """Then restart the service. Quotes of the old secret stay good; remove the previous secret after the
longest quote has ended (mpp.challenge_seconds; 300 s unless you set it).
Several hosts: first give every host the new secret as {previous}, then exchange the two everywhere, then remove the
old one."""
_SETTLEMENT_STEPS = """1. Send ETH to {new}: the new account pays the gas.
2. Restart the service. Quotes stay good, and the new key settles what comes.
3. Leave the old account its gas until its last transaction is in a block, then empty it: its key is in {old}."""
What = Annotated[
    Kind,
    typer.Argument(
        help="settlement settles x402; mpp signs quotes; runner is API's and runners'; receipts signs receipts."
    ),
]


@app.command()
def new(
    what: What,
    out: Annotated[Path | None, typer.Option(help="A new file, which only its owner can read.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the secret instead.")] = False,
) -> None:
    """Make a secret, and say which setting is to name it.

    python -m ops keys new settlement --out /etc/clearcanvas/secrets/x402_settlement_key
    """
    if (out is None) is not show:
        raise typer.BadParameter("give --out FILE or --show, one of them")
    secret = _made(what)
    setting = variable(_SECRETS[what].setting)
    if out is None:
        typer.echo(secret)
    else:
        _write(out, secret, exclusive=True)
        typer.echo(f"{setting}_FILE={out.absolute()}")
    if what is Kind.SETTLEMENT:
        typer.echo(f"Its account is {account_of(SecretStr(secret))}. It needs ETH for gas, and nothing else.", err=True)


@app.command()
def rotate(
    what: Annotated[Kind, typer.Argument(help="settlement or mpp.")],
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Where the secrets' files are.")],
    leaked: Annotated[bool, typer.Option("--leaked", help="MPP: do not keep the old secret valid.")] = False,
    yes: Yes = False,
) -> None:
    """Change a secret while buyers are buying, in a folder of files as deploy/make_secrets.sh writes them.

    The old one is the folder's mpp_secret_key or x402_settlement_key, else what the settings say. MPP: it becomes
    mpp_previous_secret_key, whose quotes the service still honours. Settlement: it is kept under another name, because
    its account may hold gas. Nothing is printed of either.

      python -m ops keys rotate mpp deploy/secrets
    """
    if what in _UNROTATED:
        raise typer.BadParameter(_UNROTATED[what])
    confirm(f"Change {_SECRETS[what].file} in {folder}?", yes=yes)
    with told():
        (_rotate_mpp if what is Kind.MPP else _rotate_settlement)(folder, leaked=leaked)


def _rotate_mpp(folder: Path, *, leaked: bool) -> None:
    file, previous = folder / _SECRETS[Kind.MPP].file, folder / _PREVIOUS.file
    names = variable(_SECRETS[Kind.MPP].setting), variable(_PREVIOUS.setting)
    if not leaked:  # before the new one: a stop in between leaves the old one in both
        _write(previous, _old(Kind.MPP, folder), like=file)
    _write(file, _made(Kind.MPP), like=file)
    typer.echo(f"{names[0]}_FILE={file.absolute()}")
    if leaked:
        previous.unlink(missing_ok=True)
        typer.echo(f"Remove {names[1]} and restart: payments for quotes of the old secret are refused, not charged.")
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
    """The secret until now. Raises ConfigurationError where the settings cannot be used, and ends without one."""
    file = folder / _SECRETS[what].file
    if file.exists():
        return file.read_text().strip()
    rail, _, name = _SECRETS[what].setting.partition(".")
    section: RailSection = getattr(load(), rail)
    value: SecretStr | None = getattr(section, name)
    if value is None:
        fail(f"There is no {file}, and {variable(_SECRETS[what].setting)} is not set: use `new`.")
    return value.get_secret_value()


def _write(file: Path, secret: str, *, like: Path | None = None, exclusive: bool = False) -> None:
    """All of it under its name, or nothing; with the mode of the file `like`, where there is one."""
    mode = like.stat().st_mode & 0o777 if like and like.exists() else 0o600
    part = file.with_name(f"{file.name}.part")
    try:
        if exclusive and file.exists():
            fail(f"{file} exists already.")
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
