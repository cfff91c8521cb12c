"""Reports: a run, or two runs side by side, as one HTML file that loads nothing from elsewhere."""

from loadtests.report.figures import PERCENTILES, class_rows
from loadtests.report.page import compare, facts, number, report

__all__ = ["PERCENTILES", "class_rows", "compare", "facts", "number", "report"]
