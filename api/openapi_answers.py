"""The responses in OpenAPI: their header fields, and the errors by status."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from api.pricing import PriceList
from api.problem_pages import problem_types
from errors import ClientDisconnected, MethodNotAllowed, NotFound
from payments import RECEIPT_HEADERS

Json = dict[str, Any]

_EVERY = {"X-Request-Id": "Identifies this request, also in the service's log."}
_LIMITED = {
    "RateLimit": "Remaining unpaid answers, and the seconds until the limit resets.",
    "RateLimit-Policy": "The limit: unpaid answers per window, and the window in seconds.",
}
_OF_STATUS: Mapping[int, Mapping[str, str]] = {
    405: {"Allow": "The methods of this path."},
    415: {"Accept-Post": "The media types that are accepted."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}
_RESULT_NUMBERS = {
    "X-Width": "Pixels per row of the result.",
    "X-Height": "Rows of the result.",
    "X-Foreground-Left": "Left edge of the subject in the upright input, in pixels.",
    "X-Foreground-Top": "Top edge of the subject.",
    "X-Foreground-Width": "Width of the subject.",
    "X-Foreground-Height": "Height of the subject.",
}
HAZE = (
    "Share of the subject that is half transparent over a wide area, 0.00 to 1.00. A value above 0.40 usually means "
    "failure, unless the subject is glass, smoke or a net. It is deterministic."
)
_RESULT_SHARES = {"X-Foreground-Haze": HAZE}
_RESULT_TEXTS = {
    "X-Model": "The model: its name and the start of its digest.",
    "X-Backend": "The backend that ran the model.",
    "X-Service-Version": "Version of the service.",
    "Server-Timing": "Milliseconds of each stage.",
    "Idempotent-Replayed": "true for an image that was paid by an earlier request.",
    "Cache-Control": "private",
    "Vary": "Contains Accept if the format depends on it.",
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
    """Header fields by name, with their descriptions."""
    return {
        name: {"description": meaning, "schema": {"type": kind}} for each in meanings for name, meaning in each.items()
    }


def document(description: str, schema: str, media_type: str = "application/json") -> Json:
    """The responses of a free route, with its errors."""
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"200": {"description": description, "headers": headers([_EVERY]), "content": content}, **not_allowed()}


def result_headers(offer: PriceList) -> Json:
    """The header fields of a paid picture."""
    receipts = [*(rail.info.receipt_headers for rail in offer.rails), *([RECEIPT_HEADERS] if offer.key_set else [])]
    figures = headers([_RESULT_NUMBERS], "integer") | headers([_RESULT_SHARES], "number")
    return figures | headers([*receipts, _RESULT_TEXTS, _EVERY])


def refusals(offer: PriceList) -> Json:
    """One response for each error status of the paid route."""
    codes: dict[int, list[str]] = defaultdict(list)
    for each in problem_types():
        if not issubclass(each, (NotFound, MethodNotAllowed, ClientDisconnected)):
            codes[each.status].append(each.code)
    answers = {str(status): refusal(status, *codes[status], limited=True) for status in sorted(codes)}
    answers["402"]["headers"] |= headers(rail.info.quote_headers for rail in offer.rails)
    return dict(sorted({**answers, **not_allowed()}.items()))


def not_allowed() -> Json:
    """The response to an unsupported method."""
    return {"405": refusal(405, MethodNotAllowed.code)}


def not_found() -> Json:
    """The response for an unknown resource."""
    return {"404": refusal(404, NotFound.code)}


def refusal(status: int, *codes: str, limited: bool = False) -> Json:
    """A problem response with one of these codes."""
    fields = [_EVERY, _OF_STATUS.get(status, {}), *([_LIMITED] if limited else [])]
    content: Json = {"schema": {"$ref": f"#/components/schemas/{'Quote' if status == 402 else 'Problem'}"}}
    if status == _PROBLEM_EXAMPLE["status"]:
        content["example"] = _PROBLEM_EXAMPLE
    return {
        "description": ", ".join(sorted(set(codes))),
        "headers": headers(fields),
        "content": {"application/problem+json": content},
    }
