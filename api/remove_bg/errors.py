"""Errors in the format of remove.bg: a list `errors`, in addition to the members of every problem."""

from collections.abc import Mapping
from typing import Any

from errors import (
    ImageNotFetched,
    InvalidImage,
    NothingFound,
    PaymentRejected,
    PaymentRequired,
    RateLimited,
    ServiceError,
    UnknownFormat,
    UnsupportedMediaType,
    UploadsLimited,
    UploadTooLarge,
)

_PREFIX = "/v1.0/"
_CODES = {
    ImageNotFetched.code: "failed_image_download",
    InvalidImage.code: "failed_to_read_image",
    NothingFound.code: "unknown_foreground",
    PaymentRejected.code: "insufficient_credits",
    PaymentRequired.code: "insufficient_credits",
    RateLimited.code: "rate_limit_exceeded",
    UnknownFormat.code: "invalid_format",
    UnsupportedMediaType.code: "invalid_file_type",
    UploadTooLarge.code: "file_too_large",
    UploadsLimited.code: "rate_limit_exceeded",
}
"""Their codes for ours; codes without an entry stay ours."""


def error_list(path: str, refusal: ServiceError) -> Mapping[str, Any]:
    """`errors` on their paths, with their code if they have an equivalent one."""
    if not path.startswith(_PREFIX):
        return {}
    code = _CODES.get(refusal.code, refusal.code)
    return {"errors": [{"title": refusal.title, "detail": refusal.detail, "code": code}]}
