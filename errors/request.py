"""The request is at fault, or is one too many."""

from errors.base import RetryAction, ServiceError


class BadRequest(ServiceError):
    """The request can never succeed as it stands."""

    status, code, title = 400, "bad_request", "Bad request"
    retry_action = RetryAction.FIX_REQUEST


class InvalidImage(BadRequest):
    """The body is not the image it claims to be, is damaged, or is larger than the limits in pixels."""

    code, title = "invalid_image", "Invalid image"


class UnknownFormat(BadRequest):
    """The `format` parameter names no output format."""

    code, title = "unknown_format", "Unknown output format"


class InvalidOption(BadRequest):
    """A parameter has no such value, or has no meaning beside the others."""

    code, title = "invalid_option", "Invalid option"


class UnknownModel(BadRequest):
    """The `model` parameter names no model that is served."""

    code, title = "unknown_model", "Unknown model"


class ImageNotFetched(BadRequest):
    """The picture cannot be fetched from `image_url`, or that must not be fetched."""

    code, title = "image_not_fetched", "Image not fetched"


class NotFound(ServiceError):
    """No such route."""

    status, code, title = 404, "not_found", "Not found"
    retry_action = RetryAction.FIX_REQUEST


class MethodNotAllowed(ServiceError):
    """The route exists, the method does not."""

    status, code, title = 405, "method_not_allowed", "Method not allowed"
    retry_action = RetryAction.FIX_REQUEST


class NotAcceptable(ServiceError):
    """`Accept` names no format that a cut-out can have."""

    status, code, title = 406, "not_acceptable", "Not acceptable"
    retry_action = RetryAction.FIX_REQUEST


class RequestTimeout(ServiceError):
    """The header fields did not arrive in time."""

    status, code, title = 408, "request_timeout", "Request timeout"
    retry_action = RetryAction.RESEND_SAME


class UploadTimeout(RequestTimeout):
    """The body did not arrive in time."""

    code, title = "upload_timeout", "Upload timeout"


class UploadTooLarge(ServiceError):
    """The body is over the limit in bytes, declared or counted."""

    status, code, title = 413, "upload_too_large", "Upload too large"
    retry_action = RetryAction.FIX_REQUEST


class TargetTooLong(ServiceError):
    """The request target is too long."""

    status, code, title = 414, "target_too_long", "Target too long"
    retry_action = RetryAction.FIX_REQUEST


class HeadTooLarge(ServiceError):
    """There are too many header fields, or bytes of them."""

    status, code, title = 431, "head_too_large", "Header fields too large"
    retry_action = RetryAction.FIX_REQUEST


class VersionNotSupported(ServiceError):
    """The request's HTTP version is neither 1.0 nor 1.1."""

    status, code, title = 505, "version_not_supported", "HTTP version not supported"
    retry_action = RetryAction.FIX_REQUEST


class UnsupportedMediaType(ServiceError):
    """The Content-Type is not supported, or the body is compressed."""

    status, code, title = 415, "unsupported_media_type", "Unsupported media type"
    retry_action = RetryAction.FIX_REQUEST


class NothingFound(ServiceError):
    """There is no subject in the picture, so the cut-out would be empty; it is not sold."""

    status, code, title = 422, "nothing_found", "Nothing found"
    retry_action = RetryAction.FIX_REQUEST

    def __init__(
        self, detail: str = "No subject was found in the picture: the cut-out would be empty. Send another picture."
    ) -> None:
        super().__init__(detail)


class RateLimited(ServiceError):
    """Too many unpaid answers went to this address."""

    status, code, title = 429, "rate_limited", "Too many unpaid requests"
    retry_action = RetryAction.WAIT_AND_RESEND


class UploadsLimited(RateLimited):
    """Requests of this address hold as many bytes as those of one address may."""

    code, title = "uploads_limited", "Too many uploads at a time"
