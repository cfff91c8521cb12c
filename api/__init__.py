"""HTTP layer. Depends on payments, imaging and the pipeline; never on runners or storage.

What other packages use is listed here, in `api.app`, which loads the whole application, and in `api.http`, which loads
the HTTP/1.1 server; they import nothing from the other modules below.
"""

from api.config import ConnectionLimits, FetchConfig, RateLimitConfig, UploadLimits
from api.pricing import PATH, Money, OfferedRail, PricedModel, PriceList
from api.try_out.wallet import SandboxWallet

__all__ = [
    "PATH",
    "ConnectionLimits",
    "FetchConfig",
    "Money",
    "OfferedRail",
    "PriceList",
    "PricedModel",
    "RateLimitConfig",
    "SandboxWallet",
    "UploadLimits",
]
