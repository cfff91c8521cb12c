"""Whether a payment is charged when an error comes, as far as the kind of error tells."""

from enum import StrEnum

from errors import InternalError, PaymentState, ProcessingFailed, ServiceError


class Charged(StrEnum):
    """What a table can say before there is an answer."""

    NO = "no"
    YES = "yes"
    """It moved, or may have."""
    UNLESS = "unless"
    """Not by this request; a payment that has bought something before stays charged."""
    ASK = "ask"
    """Only the answer tells."""

    @classmethod
    def by(cls, error: type[ServiceError]) -> "Charged":
        """What an error says of the payment that came with the request."""
        match error.payment_state:
            case PaymentState.NONE | PaymentState.UNUSED:
                return cls.NO
            case PaymentState.IN_FLIGHT | PaymentState.SETTLED:
                return cls.YES
            case PaymentState.SPENT_ELSEWHERE:
                return cls.ASK
        is_unexpected = issubclass(error, InternalError) and not issubclass(error, ProcessingFailed)
        return cls.ASK if is_unexpected else cls.UNLESS
