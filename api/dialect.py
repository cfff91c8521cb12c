"""How the requests of one paid route are written: in which forms, and with which options."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from api.bodies import FORMS
from api.bodies.table import Forms
from api.options import MODEL, OPTIONS, Wish, read_wish
from api.pricing import PATH


@dataclass(frozen=True)
class Dialect:
    """The requests of one paid route.

    Attributes:
        path: of the route.
        forms: those of a body, by media type.
        names: of the options, of which a question for the price may have some.
        read: what query and form ask for, but for the model. Raises BadRequest.
        quotes_options: whether the quote's URL names them: where the query is not the place for them, it does not.
    """

    path: str
    forms: Forms
    names: frozenset[str]
    read: Callable[[QueryParams], Wish]
    quotes_options: bool = True


OWN = Dialect(PATH, FORMS, frozenset({*OPTIONS, MODEL}), read_wish)
"""That of `POST /v1/remove-background`."""
