"""The log: one JSON object per line on stderr, and the redaction of every line.

Our own lines consist of names and numbers that we chose. The messages, arguments and exceptions of libraries may
contain payers, recipients, signed data and the URLs of chains. So the handler keeps only a library record's logger,
level, template without arguments, and the classes of its exceptions. Finally it removes from every line the operator's
secrets, everything that looks like an address, a hash or signed data, and all of a URL but its host.
"""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any
from urllib.parse import quote

import structlog

OUR_LOGGERS = (
    *("api", "imaging", "payments", "runners", "storage"),
    *("api_worker", "composition", "deployment", "logs", "pipeline", "process_end", "supervisor"),
)
"""Our packages and modules; loggers are named after modules. Libraries log from WARNING on."""

_FOREIGN_CHARS = 300
_PLACES = 6
_WARNINGS = "py.warnings"  # whose template is "%s"


def configure_logging(level: str, secrets: Iterable[str] = ()) -> None:
    """Log one JSON object per line on stderr, for our loggers, those of libraries, and Python's warnings.

    Args:
        level: level of our own loggers: debug, info or warning.
        secrets: strings that are removed from every line, including libraries' tracebacks.
    """
    first: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *first, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
        _Redaction(secrets),
    ]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*first, _harmless_parts], processors=last, pass_foreign_args=True
        )
    )
    _own_all_loggers(handler, level.upper())


def _own_all_loggers(handler: logging.Handler, level: str) -> None:
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in (*logging.root.manager.loggerDict, _WARNINGS):
        # BentoML's and the server's own handlers would bypass ours.
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(level)
    for name in ("bentoml.access", "uvicorn.access"):
        # Their lines contain paths and addresses of clients; api/access_log.py logs requests without them.
        logging.getLogger(name).disabled = True


def log_uncaught() -> None:
    """Log uncaught exceptions like all other events. By default Python prints them."""
    log = logging.getLogger("uncaught")

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            log.critical("uncaught_exception", exc_info=(kind, error, trace))

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    def unraisable(args: "sys.UnraisableHookArgs") -> None:
        if args.exc_value is not None:
            uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook, threading.excepthook, sys.unraisablehook = uncaught, in_thread, unraisable


def _harmless_parts(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Reduce a library's record to its harmless parts; records of our own modules' plain loggers stay."""
    record: logging.LogRecord = event["_record"]
    with_arguments = bool(event.pop("positional_args"))
    if record.name.partition(".")[0] in OUR_LOGGERS:
        return event
    event.pop("stack_info", None)
    raised = event.pop("exc_info", None)
    if raised:
        event["raised"] = list(_classes(raised[1]))
    if with_arguments and record.name != _WARNINGS:
        event["event"] = str(record.msg)
    # `_Redaction` cleans a message without arguments like every line.
    event["event"] = event["event"].partition("\n")[0][:_FOREIGN_CHARS]
    return event


def _classes(error: BaseException | None) -> Iterator[str]:
    """Class and last code locations of an exception and its causes, without their texts."""
    while error is not None:
        frames = list(traceback.walk_tb(error.__traceback__))[-_PLACES:]
        places = [f"{frame.f_globals.get('__name__')}:{line}" for frame, line in frames]
        yield " ".join([f"{type(error).__module__}.{type(error).__qualname__}", *(["at", *places] if places else [])])
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class _Redaction:
    """Last processor: removes secrets and personal data from a finished line."""

    _LONG_HEX = re.compile(r"(?:0[xX])?[0-9a-fA-F]{40,}")
    """Addresses, hashes, signatures, call data; a request id is shorter."""
    _LONG_TOKEN = re.compile(r"[A-Za-z0-9+/=_-]{100,}")
    """Payment headers and other signed data in Base64."""
    _URL = re.compile(r"""([a-z][a-z0-9+.-]*://)(?:[^/\s"'\\@]*@)?([^/\s"'\\?#]*)[^\s"'\\)>\]]*""", re.IGNORECASE)

    def __init__(self, secrets: Iterable[str]) -> None:
        plain = set(secrets)
        every = plain | {json.dumps(each)[1:-1] for each in plain} | {quote(each, safe="") for each in plain}
        longest_first = sorted(every - {""}, key=len, reverse=True)
        # Hex digits may appear in either case.
        self._secrets = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)

    def __call__(self, logger: object, method: str, line: Any) -> str:
        text = self._secrets.sub("[secret]", str(line))
        if "://" in text:
            text = self._URL.sub(r"\1\2", text)
        return self._LONG_TOKEN.sub("[data]", self._LONG_HEX.sub("[hex]", text))
