"""`python -m ops`: the operator's commands."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import typer

from ops import keys, payments
from ops.backup import backup, restore
from ops.doctor.command import doctor
from ops.doubts import replay_doubt
from ops.drain import drain
from ops.reconcile import reconcile
from ops.refund import refund
from ops.revenue import revenue

EPILOG = """Settings come from the service's own variables (CLEARCANVAS_…), so run it where the service runs:
docker compose exec api python -m ops doctor. Exit codes: 0 success; 1 a fault, a difference, or "no" to a question;
2 invalid usage."""

app = typer.Typer(
    help="Operate a service: diagnosis, payments, back-ups and keys. Commands that write ask first.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(payments.app, name="payments")
app.add_typer(keys.app, name="keys")
for command in (doctor, revenue, refund, reconcile, replay_doubt, drain, backup, restore):
    app.command()(command)


@contextmanager
def _without_log_lines() -> Iterator[None]:
    """Silence the logs: a command prints its findings itself, and programs read its output."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        structlog.configure(**before)


@app.callback()
def silence(context: typer.Context) -> None:
    """Keep the service's log lines out of every command."""
    context.with_resource(_without_log_lines())


def main() -> None:
    """Run the program."""
    app(prog_name="python -m ops")


if __name__ == "__main__":
    main()
