"""One table of settings, and what can be wrong with it."""

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr

from settings_types.secret_parts import secret_parts

T = TypeVar("T")


class Fault(NamedTuple):
    """A setting by its dotted name, what is wrong, and the other settings that this rests on.

    A section names its own settings (`pay_to`); the loader puts the section's name before them (`x402.pay_to`).
    """

    name: str
    text: str
    others: tuple[str, ...] = ()

    def within(self, section: str) -> "Fault":
        """The same fault, with names as the loader knows them."""
        return Fault(f"{section}.{self.name}", self.text, tuple(f"{section}.{each}" for each in self.others))


MISSING = "is missing"


class Section(BaseModel):
    """One table of settings: immutable, and the docstring of each field stands in docs/configuration.md.

    A package defines the section that it uses, with types, ranges and defaults, and takes it as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    def secrets(self) -> Iterator[str]:
        """Every text of this section that must not be in a log: secrets, and the parts of them that libraries quote."""
        for _, value in self:
            if isinstance(value, SecretStr):
                yield from secret_parts(value.get_secret_value())
            elif isinstance(value, Section):
                yield from value.secrets()


def reveal(secret: SecretStr | None) -> str | None:
    """The text of a secret."""
    return secret.get_secret_value() if secret else None


def required(value: T | None, name: str) -> T:
    """A setting that its user cannot work without; the loader reports those that are missing before.

    Raises:
        ValueError: it is None.
    """
    if value is None:
        raise ValueError(f"{name} {MISSING}")
    return value
