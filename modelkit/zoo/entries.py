"""What is known of the open models in catalogue.toml."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from models import Colour, ModelError, Sha256


class Entry(BaseModel):
    """One model that can be pulled.

    Attributes:
        about: what it is for, in a few words.
        sha256, md5: of the published file, as its publisher states them; at most one is needed.
        megabytes: size of the file, where it is stated.
        licence: SPDX identifier.
        commercial: whether it allows to sell what the model makes.
        licence_note: what to know besides.
        size: pixels per side of its input.
        mean, std: the network takes (pixel / 255 - mean) / std.
        values: what its output holds; None where nobody says, and the range has to tell.
        output: index or name of the output that is the alpha.
        batch: "one" where the graph is known to take one picture per run, "try" where that is to be found out.
        backends: that can run it, by what is known of its operators.
        backends_note: what that rests on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str
    url: str
    sha256: Sha256 | None = None
    md5: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    megabytes: float | None = None
    licence: str
    commercial: bool
    licence_note: str | None = None
    size: Annotated[int, Field(gt=0)]
    mean: Colour
    std: Colour
    values: Literal["logits", "probabilities"] | None = None
    output: int | str
    batch: Literal["one", "try"]
    backends: Annotated[tuple[Literal["tensorrt", "cuda", "cpu"], ...], Field(min_length=1)]
    backends_note: str | None = None


@cache
def catalogue() -> dict[str, Entry]:
    """Every entry by its name."""
    text = Path(__file__).with_name("catalogue.toml").read_text()
    return {name: Entry.model_validate(table) for name, table in tomllib.loads(text).items()}


def entry(name: str) -> Entry:
    """One entry. Raises ModelError, with those that there are."""
    try:
        return catalogue()[name]
    except KeyError:
        raise ModelError(f"The catalogue has no {name}; it has: {', '.join(catalogue())}.") from None
