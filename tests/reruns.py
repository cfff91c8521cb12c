"""Says at the end why a test was run again: its failure has a cause, and nothing else keeps the traceback."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each failure that was followed by another run said last."""
    reports = terminalreporter.getreports("rerun")
    if reports:
        terminalreporter.section("why tests were run again")
    for report in reports:
        terminalreporter.write_line(f"{report.nodeid}\n    {_last_lines(report)}")


def _last_lines(report: pytest.TestReport) -> str:
    return "\n    ".join(report.longreprtext.splitlines()[-12:])
