"""The guides of one offer, by path: `/guides/RAIL` in English, `/de/guides/RAIL` in German, and the programs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from api.config import UploadLimits
from api.documents import Document
from api.guides import english, german
from api.guides.programs import programs
from api.guides.tables import Words, error_rows, option_rows
from api.pricing import OfferedRail, PriceList
from api.templates import code, macros, render
from payments import SalePolicy

_WORDS = {
    "en": Words(english.OPTIONS, english.ERRORS, english.NEXT_STEPS, english.CHARGED),
    # English replaces a missing sentence, so that the service starts; a test finds it.
    "de": Words(
        {**english.OPTIONS, **german.OPTIONS},
        {**english.ERRORS, **german.ERRORS},
        {**english.NEXT_STEPS, **german.NEXT_STEPS},
        {**english.CHARGED, **german.CHARGED},
    ),
}
_PROGRAM_TYPES = {"py": "text/x-python", "mts": "text/plain"}


@dataclass(frozen=True, slots=True)
class Rules:
    """Figures in the guides besides the offer: limits on uploads and unpaid answers, and how long results are kept."""

    uploads: UploadLimits
    unpaid_per_minute: int
    terms: SalePolicy = field(default_factory=SalePolicy)


def guide_path(rail: str, language: str) -> str:
    """The path of a guide."""
    return f"/guides/{rail}" if language == "en" else f"/{language}/guides/{rail}"


def guides(offer: PriceList, rules: Rules) -> dict[str, Document]:
    """The guides for the rails of an offer and their programs, by path."""
    pages = {
        guide_path(rail.name, language): Document(_guide(offer, rail, language, rules), "text/html")
        for rail in offer.rails
        for language in _WORDS
    }
    files = {
        program.path: Document(program.text, _PROGRAM_TYPES[program.name.rpartition(".")[2]])
        for rail in offer.rails
        for program in programs(rail.info).values()
    }
    return pages | files


def _guide(offer: PriceList, rail: OfferedRail, language: str, rules: Rules) -> str:
    words = _WORDS[language]
    return render(
        f"guide_{language}.html",
        offer=offer,
        rail=rail,
        own=macros(f"guide_{language}.html", rail.info.pages),
        commands=macros("commands.html", rail.info.pages),
        language=language,
        paths={each: guide_path(rail.name, each) for each in _WORDS},
        others=_others(offer, rail, language),
        programs=programs(rail.info),
        options=option_rows(words),
        errors=error_rows(words),
        rules=rules,
        units=offer.default.price.base_units(6),
        code=code,
    )


def _others(offer: PriceList, rail: OfferedRail, language: str) -> Mapping[str, str]:
    """The paths of the guides for the other rails, by name."""
    return {each.info.label: guide_path(each.name, language) for each in offer.rails if each is not rail}
