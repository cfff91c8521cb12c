"""All errors of the service as one tree. Each states what happened to the payment.

    ServiceError                      status  code
    ├─ BadRequest                     400     bad_request
    │  ├─ InvalidImage                400     invalid_image
    │  ├─ UnknownFormat               400     unknown_format
    │  ├─ InvalidOption               400     invalid_option
    │  ├─ UnknownModel                400     unknown_model
    │  ├─ ImageNotFetched             400     image_not_fetched
    │  └─ MalformedPayment            400     malformed_payment
    ├─ PaymentRequired                402     payment_required
    │  └─ PaymentRejected             402     payment_rejected
    │     └─ DeadlineUnreachable      402     deadline_unreachable
    ├─ PayerRefused                   403     payer_refused
    ├─ NotFound                       404     not_found
    ├─ MethodNotAllowed               405     method_not_allowed
    ├─ NotAcceptable                  406     not_acceptable
    ├─ RequestTimeout                 408     request_timeout
    │  └─ UploadTimeout               408     upload_timeout
    ├─ PaymentConflict                409     payment_conflict
    │  ├─ PaymentInProgress           409     payment_in_progress
    │  ├─ PaymentUsed                 409     payment_used
    │  ├─ PictureChanged              409     picture_changed
    │  ├─ PaymentSpentElsewhere       409     payment_spent_elsewhere
    │  ├─ FundsUnderWay               409     funds_under_way
    │  └─ IdempotencyKeyUsed          409     idempotency_key_used
    ├─ UploadTooLarge                 413     upload_too_large
    ├─ TargetTooLong                  414     target_too_long
    ├─ UnsupportedMediaType           415     unsupported_media_type
    ├─ NothingFound                   422     nothing_found
    ├─ RateLimited                    429     rate_limited
    │  └─ UploadsLimited              429     uploads_limited
    ├─ HeadTooLarge                   431     head_too_large
    ├─ ClientDisconnected             499     client_disconnected
    ├─ InternalError                  500     internal_error
    │  └─ ProcessingFailed            500     processing_failed
    ├─ VersionNotSupported            505     version_not_supported
    └─ Unavailable                    503     unavailable
       ├─ Overloaded                  503     overloaded
       ├─ RunnerUnavailable           503     runner_unavailable
       ├─ RailUnavailable             503     rail_unavailable
       ├─ LedgerUnavailable           503     ledger_unavailable
       └─ PaymentOutcomeUnknown       503     payment_outcome_unknown

Foreign exceptions (Pillow, web3, SQLAlchemy, ...) are mapped to these where they enter. Only `api/problems.py` turns
them into HTTP. `detail` is public: it names the fault and the remedy, and never contains a secret, a path or the text
of a foreign exception.
"""

from errors.base import PaymentState, RetryAction, ServiceError
from errors.payment import (
    DeadlineUnreachable,
    FundsUnderWay,
    IdempotencyKeyUsed,
    MalformedPayment,
    PayerRefused,
    PaymentInProgress,
    PaymentOutcomeUnknown,
    PaymentRejected,
    PaymentRequired,
    PaymentSpentElsewhere,
    PaymentUsed,
    PictureChanged,
)
from errors.request import (
    BadRequest,
    HeadTooLarge,
    ImageNotFetched,
    InvalidImage,
    InvalidOption,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    NothingFound,
    RateLimited,
    RequestTimeout,
    TargetTooLong,
    UnknownFormat,
    UnknownModel,
    UnsupportedMediaType,
    UploadsLimited,
    UploadTimeout,
    UploadTooLarge,
    VersionNotSupported,
)
from errors.service import (
    ClientDisconnected,
    InternalError,
    LedgerUnavailable,
    Overloaded,
    ProcessingFailed,
    RailUnavailable,
    RunnerUnavailable,
    Unavailable,
)

__all__ = [
    "BadRequest",
    "ClientDisconnected",
    "DeadlineUnreachable",
    "FundsUnderWay",
    "HeadTooLarge",
    "IdempotencyKeyUsed",
    "ImageNotFetched",
    "InternalError",
    "InvalidImage",
    "InvalidOption",
    "LedgerUnavailable",
    "MalformedPayment",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "NothingFound",
    "Overloaded",
    "PayerRefused",
    "PaymentInProgress",
    "PaymentOutcomeUnknown",
    "PaymentRejected",
    "PaymentRequired",
    "PaymentSpentElsewhere",
    "PaymentState",
    "PaymentUsed",
    "PictureChanged",
    "ProcessingFailed",
    "RailUnavailable",
    "RateLimited",
    "RequestTimeout",
    "RetryAction",
    "RunnerUnavailable",
    "ServiceError",
    "TargetTooLong",
    "Unavailable",
    "UnknownFormat",
    "UnknownModel",
    "UnsupportedMediaType",
    "UploadTimeout",
    "UploadTooLarge",
    "UploadsLimited",
    "VersionNotSupported",
]
