import json
import subprocess
import sys
from pathlib import Path

from telemetry import record, server_timing, stage, timings

SCRIPT = """
import logging
import structlog
from telemetry import configure_logging

configure_logging("info", ["https://rpc.example.com/marked", 'a "quoted" secret'])
log = structlog.get_logger("api.example")
with structlog.contextvars.bound_contextvars(request_id="r1"):
    log.info("ours", kept=1)
    logging.getLogger("web3.manager").warning("theirs %s", "https://rpc.example.com/marked")
log.debug("too quiet")
logging.getLogger("httpx").info("HTTP Request: GET https://elsewhere.example.com")
logging.getLogger("uvicorn.access").warning("GET /v1?address=1.2.3.4")
try:
    raise ConnectionError('cannot reach https://rpc.example.com/marked with a "quoted" secret')
except ConnectionError:
    log.exception("failed")
"""


def test_a_log_is_one_json_object_per_line_without_secrets_or_chatter() -> None:
    """Ours and the libraries' lines come alike, with the request's id; secrets are struck out of tracebacks too."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    ours, theirs, failed = map(json.loads, run.stderr.splitlines())
    assert (ours["event"], ours["logger"], ours["level"], ours["kept"]) == ("ours", "api.example", "info", 1)
    assert ours["request_id"] == theirs["request_id"] == "r1"
    assert (theirs["event"], theirs["logger"]) == ("theirs [secret]", "web3.manager")
    assert failed["exception"].endswith("ConnectionError: cannot reach [secret] with [secret]")
    assert "marked" not in run.stderr
    assert "quoted" not in run.stderr
    assert run.stdout == ""


def test_stages_of_a_request_add_up_in_the_order_in_which_they_end() -> None:
    with timings() as collected:
        with stage("decode"):
            pass
        record("infer", 0.5)
        record("infer", 0.25)
    record("infer", 100)
    assert list(collected) == ["decode", "infer"]
    assert server_timing({"decode": 0.0123, "infer": 0.75}) == "decode;dur=12.3, infer;dur=750.0"
    assert collected["infer"] == 0.75
