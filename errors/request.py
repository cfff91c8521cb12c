"""Errors of the request."""

from errors.base import RetryAction, ServiceError


class BadRequest(ServiceError):
    """The request is invalid."""

    status, code, title = 400, "bad_request", "Bad request"
    retry_action = RetryAction.FIX_REQUEST


class InvalidImage(BadRequest):
    """The body is not an image of the declared type, is damaged, or exceeds the limits in pixels."""

    code, title = "invalid_image", "Invalid image"


class UnknownFormat(BadRequest):
    """The parameter `format` is not an output format."""

    code, title = "unknown_format", "Unknown output format"


class InvalidOption(BadRequest):
    """A parameter's value is invalid, or contradicts another parameter."""

    code, title = "invalid_option", "Invalid option"


class UnknownModel(BadRequest):
    """The parameter `model` is not a served model."""

    code, title = "unknown_model", "Unknown model"


class ImageNotFetched(BadRequest):
    """The image cannot be fetched from `image_url`, or the URL is not allowed."""

    code, title = "image_not_fetched", "Image not fetched"


class NotFound(ServiceError):
    """No such path."""

    status, code, title = 404, "not_found", "Not found"
    retry_action = RetryAction.FIX_REQUEST


class MethodNotAllowed(ServiceError):
    """The path does not support this method."""

    status, code, title = 405, "method_not_allowed", "Method not allowed"
    retry_action = RetryAction.FIX_REQUEST


class NotAcceptable(ServiceError):
    """`Accept` allows no supported output format."""

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
    """The body exceeds the limit in bytes."""

    status, code, title = 413, "upload_too_large", "Upload too large"
    retry_action = RetryAction.FIX_REQUEST


class TargetTooLong(ServiceError):
    """The request target is too long."""

    status, code, title = 414, "target_too_long", "Target too long"
    retry_action = RetryAction.FIX_REQUEST


class HeadTooLarge(ServiceError):
    """The header fields exceed the limit in number or bytes."""

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
    """No subject was found in the image. An empty result is not sold."""

    status, code, title = 422, "nothing_found", "Nothing found"
    retry_action = RetryAction.FIX_REQUEST

    def __init__(
        self, detail: str = "No subject was found in the image, so the result would be empty. Send another image."
    ) -> None:
        super().__init__(detail)


class RateLimited(ServiceError):
    """This address has received too many unpaid responses."""

    status, code, title = 429, "rate_limited", "Too many unpaid requests"
    retry_action = RetryAction.WAIT_AND_RESEND


class UploadsLimited(RateLimited):
    """The uploads in progress from this address exceed the limit in bytes."""

    code, title = "uploads_limited", "Too many uploads at a time"
