"""Whether an error charges the payment, as far as the error's class determines it."""

from enum import StrEnum

from errors import InternalError, PaymentState, ProcessingFailed, ServiceError


class Charged(StrEnum):
    """What a table can say without a response."""

    NO = "no"
    YES = "yes"
    """The money moved, or may have moved."""
    UNLESS = "unless"
    """Not by this request; a payment that bought something earlier stays charged."""
    ASK = "ask"
    """Only the response tells."""

    @classmethod
    def by(cls, error: type[ServiceError]) -> "Charged":
        """What an error says about the payment of the request."""
        match error.payment_state:
            case PaymentState.NONE | PaymentState.UNUSED:
                return cls.NO
            case PaymentState.IN_FLIGHT | PaymentState.SETTLED:
                return cls.YES
            case PaymentState.SPENT_ELSEWHERE:
                return cls.ASK
        is_unexpected = issubclass(error, InternalError) and not issubclass(error, ProcessingFailed)
        return cls.ASK if is_unexpected else cls.UNLESS
