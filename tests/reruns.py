"""Says at the end why a test was run again: its failure has a cause, and nothing else keeps the traceback."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the error of each run that was followed by another one."""
    reports = terminalreporter.getreports("rerun")
    if reports:
        terminalreporter.section("why tests were run again")
    for report in reports:
        terminalreporter.write_line(f"{report.nodeid}\n    {_told(report)}")


def _told(report: pytest.TestReport) -> str:
    """What the exception says first, and where it was raised."""
    lines = report.longreprtext.splitlines()
    return "\n    ".join([*[line for line in lines if line.startswith("E ")][:8], *lines[-1:]])
