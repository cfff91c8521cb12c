"""Access of commands to settings, ledger and rails; confirmation, output and failure."""

import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Annotated, Any, Never

import typer
from rich.console import Console

from config import ConfigurationError, Settings, load
from errors import ServiceError
from payments import Rail, RefundRefused
from rail_composition import build_rails
from storage import BackupError, Database

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
RailName = Annotated[str | None, typer.Option("--rail", help="One rail only: x402 or mpp.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")]

_WIDE = 220
"""Columns of a table that goes to a file or another program: nothing is cut off there."""


@contextmanager
def told() -> Iterator[None]:
    """Ends the command on errors of settings, ledger or chains, with a sentence on stderr and exit code 1."""
    try:
        yield
    except ConfigurationError as error:
        fail(str(error))
    except (BackupError, RefundRefused) as error:
        fail(str(error))
    except ServiceError as error:
        fail(f"{error.detail} `python -m ops doctor` says more.")


def fail(sentence: str) -> Never:
    """End the command with exit code 1."""
    typer.secho(sentence, err=True, fg="red")
    raise typer.Exit(1)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is written; "no" ends the command with exit code 1."""
    if not yes:
        typer.confirm(question, abort=True)


def screen() -> Console:
    """Standard output, as wide as the terminal."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDE, soft_wrap=not sys.stdout.isatty())


def print_json(value: Any) -> None:
    """A value as JSON on standard output."""
    typer.echo(json.dumps(value, indent=1))


@asynccontextmanager
async def ledger(settings: Settings | None = None) -> AsyncIterator[Database]:
    """The service's ledger; it is neither made nor migrated.

    Raises:
        ConfigurationError: the settings cannot be used.
        LedgerUnavailable: the database does not answer, or holds no ledger.
    """
    async with Database((settings or load()).ledger_url()) as database:
        await database.identify()
        yield database


@asynccontextmanager
async def rails(settings: Settings, database: Database) -> AsyncIterator[Mapping[str, Rail]]:
    """The enabled rails by name, on this ledger."""
    async with AsyncExitStack() as stack:
        built = build_rails(settings, database, await database.identify())
        for rail in built:
            stack.push_async_callback(rail.aclose)
        yield {rail.name: rail for rail in built}


def selected(enabled: Mapping[str, Rail], name: str | None) -> Mapping[str, Rail]:
    """One of the rails, or all of them.

    Raises:
        typer.BadParameter: there is no such rail, or it is not enabled.
    """
    if name is None:
        return enabled
    if name not in enabled:
        raise typer.BadParameter(f"{name!r} must be an enabled rail: {', '.join(enabled)}")
    return {name: enabled[name]}
