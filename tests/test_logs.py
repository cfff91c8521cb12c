"""Ours and the libraries' lines come alike, and neither holds a secret, a payer, signed data or the path of a URL."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

START = """
import logging, threading, warnings
import structlog
from logs import configure_logging, log_uncaught

configure_logging("info", ["https://rpc.example.com/marked", 'a "quoted" secret'])
ours = structlog.get_logger("api.example")
log_uncaught()
theirs = logging.getLogger("x402.mechanisms")
PAYER = "0x52908400098527886E0F7030069857D2E4169EE7"

def failing():
    try:
        raise OSError(f"no balance of {PAYER}")
    except OSError as error:
        raise ConnectionError(f"cannot reach https://user:pw@node.example.com/v2/apikey for {PAYER}") from error
"""
PAYER = "0x52908400098527886e0f7030069857d2e4169ee7"


def run(script: str) -> list[dict[str, Any]]:
    """The lines that a process wrote, each one JSON; nothing that may not leave is in them, in either case."""
    ended = subprocess.run(
        [sys.executable, "-c", START + script],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == ""
    lower = ended.stderr.lower()
    for private in (PAYER, PAYER[2:], "marked", "quoted", "user:pw", "apikey", "signed" * 20):
        assert private not in lower
    return [json.loads(line) for line in ended.stderr.splitlines()]


def test_our_lines_come_with_the_request_and_their_values() -> None:
    [line] = run("""
with structlog.contextvars.bound_contextvars(request_id="0123456789abcdef0123456789abcdef"):
    ours.info("sold", kept=1)
ours.debug("too quiet")
""")
    assert (line["event"], line["logger"], line["level"], line["kept"]) == ("sold", "api.example", "info", 1)
    assert line["request_id"] == "0123456789abcdef0123456789abcdef"


def test_secrets_addresses_and_urls_are_struck_out_of_our_lines_too() -> None:
    """A traceback ends with a foreign exception's text."""
    [failed, plain] = run("""
try:
    failing()
except ConnectionError:
    ours.exception("failed", where='https://rpc.example.com/marked with a "quoted" secret', data="signed" * 20)
logging.getLogger("payments.x402.monitor").warning("nonce %d of %s is stuck", 7, PAYER)
""")
    assert failed["where"] == "[secret] with [secret]"
    assert failed["data"] == "[data]"
    assert failed["exception"].endswith("ConnectionError: cannot reach https://node.example.com for [hex]")
    assert plain["event"] == "nonce 7 of [hex] is stuck"


@pytest.mark.parametrize(
    ("call", "event"),
    [
        ('theirs.warning("balance of %s is %d", PAYER, 0)', "balance of %s is %d"),
        ('theirs.error(f"balance of {PAYER} is 0\\nand {PAYER}")', "balance of [hex] is 0"),
        ("theirs.warning(f\"topic {PAYER[2:].lower():0>64}, payment {'signed' * 20}\")", "topic [hex], payment [data]"),
        ('theirs.warning("asked wss://user:pw@node.example.com:8545/v2/apikey?x=1 in vain")', None),
        ('theirs.warning({"payer": PAYER})', "{'payer': '[hex]'}"),
    ],
)
def test_of_a_library_only_the_fixed_text_leaves(call: str, event: str | None) -> None:
    [line] = run(call)
    assert line["event"] == (event or "asked wss://node.example.com:8545 in vain")
    assert (line["logger"], set(line)) == ("x402.mechanisms", {"event", "level", "logger", "timestamp"})


def test_of_a_library_s_exception_only_the_classes_leave() -> None:
    [line] = run("""
try:
    failing()
except ConnectionError as error:
    theirs.exception("while asking for %s: %s", PAYER, error, extra={"payer": PAYER}, stack_info=True)
""")
    assert [raised.partition(" ")[0] for raised in line.pop("raised")] == [
        "builtins.ConnectionError",
        "builtins.OSError",
    ]
    assert line.keys() == {"event", "level", "logger", "timestamp"}


def test_quiet_loggers_stay_quiet() -> None:
    script = (
        'logging.getLogger("httpx").info("GET"); logging.getLogger("uvicorn.access").warning("GET /v1 from 1.2.3.4")'
    )
    assert run(script) == []


def test_a_handler_that_a_library_brought_writes_nothing() -> None:
    [line] = run("""
talker = logging.getLogger("circus.talker")
talker.addHandler(logging.StreamHandler())
talker.propagate = False
configure_logging("info")
talker.warning("of %s", PAYER)
""")
    assert line["event"] == "of %s"


@pytest.mark.parametrize(
    "cause",
    [
        "failing()",
        "thread = threading.Thread(target=failing); thread.start(); thread.join()",
        "class Left:\n    def __del__(self): failing()\nLeft()",
    ],
    ids=["main", "thread", "finaliser"],
)
def test_an_exception_that_nobody_catches_is_a_line_without_its_text(cause: str) -> None:
    [line] = run(cause)
    assert line["logger"] == "uncaught"
    assert line["raised"][0].startswith("builtins.ConnectionError")


def test_warnings_of_python_are_lines_too() -> None:
    [line] = run('warnings.warn(f"{PAYER} at https://node.example.com/v2/apikey is deprecated")')
    assert (line["logger"], line["level"]) == ("py.warnings", "warning")
    assert line["event"].endswith("UserWarning: [hex] at https://node.example.com is deprecated")
