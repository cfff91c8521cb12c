"""Reports: a run, or two runs side by side, as one HTML file that loads nothing from elsewhere."""

from loadtests.report.page import compare, report

__all__ = ["compare", "report"]
