"""python -m sandbox: sell and buy on this machine with play money."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from sandbox.environment import BASE_PORT, TEMPO_PORT
from sandbox.process import SandboxError
from sandbox.rpc import loopback
from sandbox.serve import serve as serve_all

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sell and buy on this machine with play money: two local chains, the service, and a funded buyer. "
    "Nothing reaches outside the machine.",
)
BasePort = Annotated[int, typer.Option(min=0, max=65535, help="Port of the Base-like chain; 0 takes any free one.")]
TempoPort = Annotated[int, typer.Option(min=0, max=65535, help="Port of the Tempo-mode chain; 0 takes any free one.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of the service; 0 takes any free one.")]


@contextmanager
def until_stopped() -> Iterator[None]:
    """Ctrl-C and SIGTERM leave the block in order and are not faults; a SandboxError is told in one line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # a shell starts background jobs deaf to SIGINT
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("Stopped.")
    except SandboxError as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(1) from error


@app.command()
def serve(port: Port = 3000, base_port: BasePort = BASE_PORT, tempo_port: TempoPort = TEMPO_PORT) -> None:
    """Run the service with both chains, and print how to buy from it. Ctrl-C ends all of them."""
    with until_stopped():
        serve_all(port, base_port, tempo_port)


@app.command()
def chains(base_port: BasePort = BASE_PORT, tempo_port: TempoPort = TEMPO_PORT) -> None:
    """Run the two chains alone, for a service that is started otherwise: bentoml serve. Ctrl-C ends them."""
    from sandbox.chains import both_chains  # noqa: PLC0415 - see serve.py

    with until_stopped(), both_chains(base_port, tempo_port) as (base, tempo):
        typer.echo(f"Base-like chain {base.chain_id}: {base.rpc_url}")
        typer.echo(f"Tempo-mode chain {tempo.chain_id}: {tempo.rpc_url}")
        signal.pause()


@app.command()
def demo(
    image: Annotated[Path, typer.Argument(help="The picture: PNG, JPEG or WebP.")],
    url: Annotated[str, typer.Option(help="Where the sandbox serves.")] = "http://127.0.0.1:3000",
    out: Annotated[Path, typer.Option(help="Folder for cut-outs and receipts.")] = Path("results/demo"),
    base_port: Annotated[int, typer.Option(help="Port of its Base-like chain.")] = BASE_PORT,
    tempo_port: Annotated[int, typer.Option(help="Port of its Tempo-mode chain.")] = TEMPO_PORT,
) -> None:
    """Buy one cut-out per rail from a running sandbox; show receipts and balances."""
    from sandbox.demo import demo as buy_on_both_rails  # noqa: PLC0415 - over a second of SDKs, which serve needs not

    base, tempo = loopback(base_port), loopback(tempo_port)
    with until_stopped():
        bought = buy_on_both_rails(image, out, url=url, base_rpc_url=base, tempo_rpc_url=tempo)
    raise typer.Exit(not bought)


if __name__ == "__main__":
    app()
