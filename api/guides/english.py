"""English texts of the guides' tables, besides those of the options and errors."""

from collections.abc import Mapping

from api.guides.charged import Charged
from api.options import OPTIONS as ALL_OPTIONS
from api.problem_pages import NEXT_STEPS, meaning, problem_types

__all__ = ["CHARGED", "ERRORS", "NEXT_STEPS", "OPTIONS"]

OPTIONS: Mapping[str, str] = {name: option.description for name, option in ALL_OPTIONS.items()}

ERRORS: Mapping[str, str] = {error.code: meaning(error) for error in problem_types()}

CHARGED: Mapping[Charged, str] = {
    Charged.NO: "no",
    Charged.YES: "yes or possibly",
    Charged.UNLESS: "no, unless it already was",
    Charged.ASK: "see the answer",
}
