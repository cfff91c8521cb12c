"""HTTP layer. Depends on payments, imaging and the pipeline; never on runners or storage.

This module, `api.app` (loads the whole application) and `api.http` (loads the HTTP/1.1 server) list what other packages
use; other packages import nothing else of `api`.
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
