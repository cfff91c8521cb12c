"""A section of the settings, and its faults."""

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr

from settings_types.secret_parts import secret_parts

T = TypeVar("T")


class Fault(NamedTuple):
    """A fault of a setting: its dotted name, the text, and the other settings that the fault depends on.

    A section uses its own names (`pay_to`); the loader adds the section's name (`x402.pay_to`).
    """

    name: str
    text: str
    others: tuple[str, ...] = ()

    def within(self, section: str) -> "Fault":
        """The same fault with the section's name added."""
        return Fault(f"{section}.{self.name}", self.text, tuple(f"{section}.{each}" for each in self.others))


MISSING = "is missing"


class Section(BaseModel):
    """A section of the settings: immutable; docs/configuration.md contains the docstring of each field.

    A package defines its own section, with types, ranges and defaults.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    def secrets(self) -> Iterator[str]:
        """All texts of this section that logs must not contain: secrets, and their parts that libraries quote."""
        for _, value in self:
            if isinstance(value, SecretStr):
                yield from secret_parts(value.get_secret_value())
            elif isinstance(value, Section):
                yield from value.secrets()


def reveal(secret: SecretStr | None) -> str | None:
    """The text of a secret."""
    return secret.get_secret_value() if secret else None


def required(value: T | None, name: str) -> T:
    """A required setting; the loader has reported missing ones before.

    Raises:
        ValueError: it is None.
    """
    if value is None:
        raise ValueError(f"{name} {MISSING}")
    return value
