"""The commands of `clearcanvas`."""

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clearcanvas import batch
from clearcanvas.cli import options as opt
from clearcanvas.cli import receipts, runs
from clearcanvas.cli.progress import Display
from clearcanvas.client import AsyncClient
from clearcanvas.errors import ClearCanvasError, InvalidSetting
from clearcanvas.journal import Journal
from clearcanvas.money import dollars
from clearcanvas.selection import EXTENSIONS, jobs
from clearcanvas.wallet import Wallet

JOURNAL = ".clearcanvas.sqlite3"
DEBUG_VARIABLE = "BUYER_DEBUG"
UNEXPECTED = 70
EPILOG = """Exit codes: 0 every picture has its result; 1 a picture was refused and not charged; 2 invalid usage;
3 the budget is exhausted; 4 a payment's outcome is unknown: run the same command again, it does not pay twice;
5 the service does not sell or the wallet cannot pay; 6 a receipt is invalid; 70 internal error; 130 interrupted."""

app = typer.Typer(
    help="Buy background removal per picture. Each picture is paid once; after a crash, run the same command again.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(receipts.app, name="receipt")
_console = Console(stderr=True)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("clearcanvas"))
        raise typer.Exit


@app.callback()
def program(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options before a command."""


@app.command(epilog=EPILOG)
def remove(
    pictures: Annotated[list[str], typer.Argument(help="Files, folders, or patterns in quotes: 'photos/**/*.JPG'.")],
    url: opt.Url,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for results and receipts; for one picture, a file or a folder.")
    ] = Path("cutouts"),
    max_spend: opt.MaxSpend = "1.00",
    max_price: opt.MaxPrice = "0.10",
    key_file: opt.KeyFile = None,
    rail: opt.Rail = "auto",
    workers: Annotated[int, typer.Option(min=1, max=32, help="Pictures in progress at a time.")] = 4,
    format: opt.Format = "png",
    option: opt.Options = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Include subfolders.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show pictures, price and total; do not sign or pay.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that have a result's name.")] = False,
    pay_again: Annotated[
        bool,
        typer.Option("--pay-again", help="Pay again for a paid picture that is no longer delivered (after 24 hours)."),
    ] = False,
    journal: Annotated[
        Path | None, typer.Option(help=f"The file that records payments. Default: {JOURNAL} in --out.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one request.")] = 120.0,
    patience: Annotated[
        float, typer.Option(min=0, help="How long to resend a payment that has no final answer, in seconds.")
    ] = 120.0,
    tempo_rpc_url: opt.TempoRpcUrl = None,
    allow_http: opt.AllowHttp = False,
) -> None:
    """Remove the background of pictures. Finished pictures are skipped; paid ones without a result are fetched.

    Examples:

      clearcanvas remove photo.jpg --out cutout.png --url https://HOST

      clearcanvas remove photos/ --out cutouts/ --max-spend 5.00 --rail mpp

      clearcanvas remove 'photos/**/*.JPG' --format webp -O model=birefnet --dry-run
    """
    choices = {"format": format, **opt.parsed(option)}
    if choices["format"] not in EXTENSIONS:
        raise InvalidSetting(f"--format must be one of {', '.join(EXTENSIONS)}.")
    todo = jobs(pictures, out, format=choices["format"], recursive=recursive)
    if dry_run:
        runs.finish(runs.plan(url, rail, todo, choices, max_price, allow_http=allow_http), _console)
        return
    folder = out.parent if todo[0].target == out else out
    with Display(_console, len(todo)) as display:
        client = AsyncClient(
            url,
            wallet=Wallet.load(key_file),
            journal=journal or folder / JOURNAL,
            max_spend=max_spend,
            max_price=max_price,
            rail=rail,
            timeout_s=timeout,
            patience_s=patience,
            tempo_rpc_url=tempo_rpc_url,
            pay_again=pay_again,
            allow_http=allow_http,
            observe=display.observe,
        )
        buying = runs.buy(client, todo, choices, workers, display, overwrite=overwrite)
        results = runs.finish(buying, _console)
    raise typer.Exit(batch.exit_code(results))


@app.command()
def price(
    url: opt.Url,
    rail: opt.Rail = "auto",
    option: opt.Options = None,
    allow_http: opt.AllowHttp = False,
) -> None:
    """Show the price of one picture and how it would be paid. Needs no key and signs nothing."""
    offer = runs.finish(runs.price(url, rail, opt.parsed(option), allow_http=allow_http), _console)
    where = f"in {offer.asset} on {offer.network}, to {offer.payee}"
    Console().print(f"{dollars(offer.amount)} by {offer.rail}, {where}", highlight=False, soft_wrap=True)


@app.command()
def purchases(
    journal: Annotated[Path, typer.Argument(help=f"A journal, or a folder of results with {JOURNAL}.")],
) -> None:
    """List all payments of a journal and their total."""
    path = journal / JOURNAL if journal.is_dir() else journal
    if not path.exists():
        raise InvalidSetting(f"There is no journal at {path}.")
    book, console = Journal(path), Console()
    table = Table("picture", "state", "rail", "amount", "result")
    for entry in book.entries():
        paid = entry.payment
        table.add_row(
            escape(entry.source), entry.state, paid.rail, dollars(paid.amount), escape(entry.result_path or "")
        )
    console.print(table)
    console.print(f"Spent or committed: {dollars(book.committed())}", highlight=False)
    book.close()


@app.command()
def mcp(
    url: opt.Url,
    folder: Annotated[
        Path | None,
        typer.Option(help="The folder whose files may be read and written. Default: none, pictures as Base64 only."),
    ] = None,
    journal: Annotated[Path, typer.Option(help="The file that records payments.")] = Path(JOURNAL),
    max_spend: opt.MaxSpend = "1.00",
    max_price: opt.MaxPrice = "0.10",
    key_file: opt.KeyFile = None,
    rail: opt.Rail = "auto",
    http: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Streamable HTTP at /mcp instead of stdio. Every caller may spend."),
    ] = None,
    tempo_rpc_url: opt.TempoRpcUrl = None,
    allow_http: opt.AllowHttp = False,
) -> None:
    """Serve the tool remove_background to agents (Model Context Protocol). This wallet pays, within the budget."""
    try:
        from clearcanvas import mcp_server  # noqa: PLC0415 - an extra
    except ImportError:
        raise InvalidSetting('The MCP server is an extra. Install it: pip install "clearcanvas[mcp]"') from None
    client = AsyncClient(
        url,
        wallet=Wallet.load(key_file),
        journal=journal,
        max_spend=max_spend,
        max_price=max_price,
        rail=rail,
        tempo_rpc_url=tempo_rpc_url,
        allow_http=allow_http,
    )
    runs.finish(mcp_server.serve(client, folder, http), _console)


def main(arguments: list[str] | None = None) -> None:
    """Run the program; a failure prints one line and ends with the exit code of its kind.

    Args:
        arguments: the command line without the program's name; by default that of this process.

    Raises:
        SystemExit: always, with the exit code.
    """
    try:
        app(arguments)
    except ClearCanvasError as error:
        _console.print(f"[red]Error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except Exception as error:  # a traceback only on request
        if os.environ.get(DEBUG_VARIABLE):
            raise
        told = f"{type(error).__name__}: {error}"
        _console.print(f"Internal error: {told}\nPayments are on record. {DEBUG_VARIABLE}=1 shows more.", markup=False)
        sys.exit(UNEXPECTED)
