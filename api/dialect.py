"""The request format of one paid route: its body forms and options."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from api.bodies import FORMS
from api.bodies.table import Forms
from api.options import MODEL, OPTIONS, Wish, read_wish
from api.pricing import PATH


@dataclass(frozen=True)
class Dialect:
    """The request format of one paid route.

    Attributes:
        path: path of the route.
        forms: body parsers by media type.
        names: names of the options; a request for a quote may have some.
        read: parses the options of query and form, except the model. Raises BadRequest.
        quotes_options: whether the quote's URL names the options; False if they do not belong in the query.
    """

    path: str
    forms: Forms
    names: frozenset[str]
    read: Callable[[QueryParams], Wish]
    quotes_options: bool = True


OWN = Dialect(PATH, FORMS, frozenset({*OPTIONS, MODEL}), read_wish)
"""The format of `POST /v1/remove-background`."""
