"""What OpenAPI says of answers: their header fields, and each refusal by its status."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from api.pricing import PriceList
from api.problem_pages import problem_types
from errors import ClientDisconnected, MethodNotAllowed, NotFound
from payments import RECEIPT_HEADERS

Json = dict[str, Any]

_EVERY = {"X-Request-Id": "Names this answer, in the service's log, too."}
_LIMITED = {
    "RateLimit": "What is left of the limit on unpaid answers, and the seconds until it starts anew.",
    "RateLimit-Policy": "That limit: answers per window, and the window in seconds.",
}
_OF_STATUS: Mapping[int, Mapping[str, str]] = {
    405: {"Allow": "The methods that this path has."},
    415: {"Accept-Post": "The media types that are accepted."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}
_RESULT_NUMBERS = {
    "X-Width": "Pixels per row of the result.",
    "X-Height": "Rows of the result.",
    "X-Foreground-Left": "Left edge of the subject in the upright input, in pixels.",
    "X-Foreground-Top": "Its upper edge.",
    "X-Foreground-Width": "Its width.",
    "X-Foreground-Height": "Its height.",
}
HAZE = (
    "Share of the subject that came out half transparent over a wide area, 0.00 to 1.00. Above 0.40 it has mostly "
    "failed, unless it is glass, smoke or a net. The same image has the same value again."
)
_RESULT_SHARES = {"X-Foreground-Haze": HAZE}
_RESULT_TEXTS = {
    "X-Model": "The model that made it: its name and the beginning of its digest.",
    "X-Backend": "What ran the model.",
    "X-Service-Version": "Version of the service.",
    "Server-Timing": "Milliseconds of each stage.",
    "Idempotent-Replayed": "true on an image that was paid before.",
    "Cache-Control": "private",
    "Vary": "Names Accept where the format depends on it.",
}
_PROBLEM_EXAMPLE = {
    "type": "/problems/unsupported_media_type",
    "title": "Unsupported media type",
    "status": 415,
    "detail": "Send a PNG, JPEG or WebP image.",
    "code": "unsupported_media_type",
    "payment_state": "none",
    "charged": False,
    "retry_action": "fix_request",
    "retryable": False,
    "request_id": "5d4f7a0e0b6c4f0d8d0e6a3c7b1f2a90",
}


def headers(meanings: Iterable[Mapping[str, str]], kind: str = "string") -> Json:
    """Header fields by name, with their meanings."""
    return {
        name: {"description": meaning, "schema": {"type": kind}} for each in meanings for name, meaning in each.items()
    }


def document(description: str, schema: str, media_type: str = "application/json") -> Json:
    """The answer of a route that costs nothing, with its refusals."""
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"200": {"description": description, "headers": headers([_EVERY]), "content": content}, **not_allowed()}


def result_headers(offer: PriceList) -> Json:
    """The header fields of a picture that was bought."""
    receipts = [*(rail.info.receipt_headers for rail in offer.rails), *([RECEIPT_HEADERS] if offer.key_set else [])]
    figures = headers([_RESULT_NUMBERS], "integer") | headers([_RESULT_SHARES], "number")
    return figures | headers([*receipts, _RESULT_TEXTS, _EVERY])


def refusals(offer: PriceList) -> Json:
    """One response for each status of the error tree that the paid route can answer."""
    codes: dict[int, list[str]] = defaultdict(list)
    for each in problem_types():
        if not issubclass(each, (NotFound, MethodNotAllowed, ClientDisconnected)):
            codes[each.status].append(each.code)
    answers = {str(status): refusal(status, *codes[status], limited=True) for status in sorted(codes)}
    answers["402"]["headers"] |= headers(rail.info.quote_headers for rail in offer.rails)
    return dict(sorted({**answers, **not_allowed()}.items()))


def not_allowed() -> Json:
    """The answer to another method than the path has."""
    return {"405": refusal(405, MethodNotAllowed.code)}


def not_found() -> Json:
    """The answer where there is nothing."""
    return {"404": refusal(404, NotFound.code)}


def refusal(status: int, *codes: str, limited: bool = False) -> Json:
    """A problem with one of these codes."""
    fields = [_EVERY, _OF_STATUS.get(status, {}), *([_LIMITED] if limited else [])]
    content: Json = {"schema": {"$ref": f"#/components/schemas/{'Quote' if status == 402 else 'Problem'}"}}
    if status == _PROBLEM_EXAMPLE["status"]:
        content["example"] = _PROBLEM_EXAMPLE
    return {
        "description": ", ".join(sorted(set(codes))),
        "headers": headers(fields),
        "content": {"application/problem+json": content},
    }
