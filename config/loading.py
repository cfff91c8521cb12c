"""Loads `Settings` from profile, file and environment, or raises one error with every fault."""

import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from config.profiles import preset
from config.rules import faults
from config.settings import Settings, settings_with
from config.value_files import SUFFIX, read_files
from payments import RAILS, RailInfo
from settings_types import Fault

_PREFIX = "CLEARCANVAS_"
_FILE = f"{_PREFIX}CONFIG"

Values = dict[str, Any]
"""Raw values by dotted name: `{"x402.pay_to": "0x…"}`."""


class ConfigurationError(Exception):
    """The settings are invalid; the text lists every fault by its environment variable and contains no value."""

    def __init__(self, found: list[Fault]) -> None:
        self.names = tuple(sorted({variable(fault.name) for fault in found}))
        lines = sorted({f"  {variable(fault.name)}: {fault.text}" for fault in found})
        super().__init__("\n".join(["Invalid configuration:", *lines]))


def variable(name: str) -> str:
    """The environment variable of a setting: `x402.pay_to` → `CLEARCANVAS_X402__PAY_TO`."""
    return _PREFIX + name.upper().replace(".", "__")


def is_for_sellers(variable: str) -> bool:
    """Whether a runner must not get this environment variable: keys, chains, stores, rate limits."""
    name = variable.removeprefix(_PREFIX).lower().replace("__", ".")
    sections = ("rate_limit", "receipts", *(rail.name for rail in RAILS))
    return variable.startswith(_PREFIX) and name.startswith(("database_url", *(f"{each}." for each in sections)))


def names(section: type[BaseModel] | None = None, prefix: str = "") -> Iterator[str]:
    """All settings by dotted name, in the order of their definition."""
    section = section or settings_with()
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from names(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def load(
    environ: Mapping[str, str] = os.environ,
    rules: Callable[[Settings], Iterable[Fault]] = faults,
    rails: tuple[RailInfo[Any], ...] = RAILS,
) -> Settings:
    """The settings of this process.

    Args:
        rules: checks of combinations; `config.rules.runner_faults` for a process that does not sell.
        rails: the rails with a section.

    Raises:
        ConfigurationError: all faults at once, of single values and of combinations.
    """
    model = settings_with(rails)
    given, found = _given(environ, set(names(model)))
    values = {**preset(str(given.get("profile")), rails), **given}
    settings, wrong = _validate(model, values)
    found += wrong
    doubted = {fault.name.removesuffix(SUFFIX) for fault in found}
    found += [fault for fault in rules(settings) if doubted.isdisjoint({fault.name, *fault.others})]
    if found:
        raise ConfigurationError(found)
    return settings


def _given(environ: Mapping[str, str], known: set[str]) -> tuple[Values, list[Fault]]:
    """The operator's values from the file and, overriding it, the environment; with the faults of names and file."""
    values: Values = {}
    found: list[Fault] = []
    try:
        values = dict(_flat(_file(environ), known))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        found.append(Fault("config", f"cannot be read as TOML: {error}"))
    variables, unread = read_files(_variables(environ), known)
    values |= variables
    found += unread
    unknown = sorted(values.keys() - known)
    found += [Fault(name, _unknown(name, known)) for name in unknown]
    return {name: value for name, value in values.items() if name in known}, found


def _variables(environ: Mapping[str, str]) -> Values:
    ours = {name: value for name, value in environ.items() if name.startswith(_PREFIX) and name != _FILE and value}
    return {name.removeprefix(_PREFIX).lower().replace("__", "."): value for name, value in ours.items()}


def _file(environ: Mapping[str, str]) -> Mapping[str, Any]:
    path = environ.get(_FILE)
    return tomllib.loads(Path(path).read_text()) if path else {}


def _flat(table: Mapping[str, Any], known: set[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = prefix + key
        if isinstance(value, dict) and name not in known:
            yield from _flat(value, known, f"{name}.")
        else:
            yield name, value


def _unknown(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"is not a setting; did you mean {variable(near[0])}?" if near else "is not a setting"


def _validate(model: type[Settings], values: Values) -> tuple[Settings, list[Fault]]:
    """The settings without the invalid values, and the faults of those values."""
    try:
        return model.model_validate(_nested(values)), []
    except ValidationError as error:
        found = [Fault(_name(each["loc"], values), _sentence(each["msg"])) for each in error.errors()]
    wrong = {fault.name for fault in found}
    return model.model_validate(_nested({k: v for k, v in values.items() if k not in wrong})), found


def _nested(values: Values) -> Values:
    tree: Values = {}
    for name, value in values.items():
        *tables, leaf = name.split(".")
        table = tree
        for each in tables:
            table = table.setdefault(each, {})
        table[leaf] = value
    return tree


def _name(location: tuple[int | str, ...], values: Values) -> str:
    """The setting of an error's location; locations continue into tuples and tables."""
    path = [str(part) for part in location]
    return next(name for end in range(len(path), 0, -1) if (name := ".".join(path[:end])) in values)


def _sentence(message: str) -> str:
    """Pydantic's message, or the text of our own validator after its prefix."""
    return message.removeprefix("Value error, ")
