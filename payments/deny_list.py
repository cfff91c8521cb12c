"""Payers who are refused: a file of addresses, which is read again when it changes."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from errors import PayerRefused

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
_ADDRESS = re.compile("0x[0-9a-f]{40}")
_Version = tuple[int, int, int]


def read_addresses(file: Path) -> frozenset[str]:
    """The addresses in a file, lower case: one a line; what follows a # is a note.

    Raises:
        OSError: it cannot be read.
        ValueError: a line is no address; the text says which line.
    """
    found = set()
    for number, line in enumerate(file.read_text().splitlines(), 1):
        address = line.partition("#")[0].strip().lower()
        if address and not _ADDRESS.fullmatch(address):
            raise ValueError(f"line {number} must be an address: 0x and 40 hex digits")
        found.add(address)
    return frozenset(found - {""})


class DenyList:
    """The addresses of refused payers. While the file cannot be read, those that were read last are used.

    Args:
        file: None refuses nobody.
        clock: seconds, for the pauses between two looks at the file.

    Raises:
        OSError, ValueError: as `read_addresses`.
    """

    def __init__(self, file: Path | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._looked_at = clock()
        self._version = None if file is None else _version(file)
        self._addresses = frozenset() if file is None else read_addresses(file)

    def check(self, payer: str) -> None:
        """Refuse a payer who is on the list, by address in any case.

        Raises:
            PayerRefused: with no word about whether money has moved.
        """
        if self._file is None:
            return
        if self._clock() - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = self._clock()
            self._look(self._file)
        if payer.lower() in self._addresses:
            raise PayerRefused()

    def _look(self, file: Path) -> None:
        try:
            version = _version(file)
            if version != self._version:
                self._version, self._addresses = version, read_addresses(file)
                log.info("deny_list_read", addresses=len(self._addresses))
        except (OSError, ValueError) as error:
            self._version = None
            log.error("deny_list_unreadable", error=type(error).__name__, addresses=len(self._addresses))


def _version(file: Path) -> _Version:
    found = file.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
