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
RailName = Annotated[str | None, typer.Option("--rail", help="Only one rail: x402 or mpp.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")]

_WIDE = 220
"""Columns of a table in a file or for another program, so that nothing is cut off."""


@contextmanager
def told() -> Iterator[None]:
    """On errors of settings, ledger or chains, print a sentence on stderr and end the command with exit code 1."""
    try:
        yield
    except ConfigurationError as error:
        fail(str(error))
    except (BackupError, RefundRefused) as error:
        fail(str(error))
    except ServiceError as error:
        fail(f"{error.detail} Run `python -m ops doctor` for the cause.")


def fail(sentence: str) -> Never:
    """End the command with exit code 1."""
    typer.secho(sentence, err=True, fg="red")
    raise typer.Exit(1)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before a write; "no" ends the command with exit code 1."""
    if not yes:
        typer.confirm(question, abort=True)


def screen() -> Console:
    """Standard output, as wide as the terminal."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDE, soft_wrap=not sys.stdout.isatty())


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    typer.echo(json.dumps(value, indent=1))


@asynccontextmanager
async def ledger(settings: Settings | None = None) -> AsyncIterator[Database]:
    """The service's ledger. This neither creates nor migrates it.

    Raises:
        ConfigurationError: the settings are invalid.
        LedgerUnavailable: the database does not answer or holds no ledger.
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
    """The rail `name`, or all rails for None.

    Raises:
        typer.BadParameter: the rail does not exist or is not enabled.
    """
    if name is None:
        return enabled
    if name not in enabled:
        raise typer.BadParameter(f"{name!r} must be an enabled rail: {', '.join(enabled)}")
    return {name: enabled[name]}
