"""The tests, and the programs that they start, know one certificate authority instead of 150: each HTTP client reads
them all, which takes 23 ms of CPU, and the official payment clients open one for each question to a node.

All that they call is on this machine. A value of SSL_CERT_FILE from outside would not name a shorter list.
"""

import os
from multiprocessing.util import Finalize
from pathlib import Path
from tempfile import NamedTemporaryFile

import certifi
import pytest

END = "-----END CERTIFICATE-----\n"


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Once per run: the other processes of pytest-xdist inherit the variable."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    first, end, _ = Path(certifi.where()).read_text().partition(END)
    with NamedTemporaryFile("w", prefix="authority-", suffix=".pem", delete=False) as file:
        file.write(first + end)
    Path(file.name).chmod(0o644)
    os.environ["SSL_CERT_FILE"] = file.name
    Finalize(None, os.unlink, (file.name,), exitpriority=0)
