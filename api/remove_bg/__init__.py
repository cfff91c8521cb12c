"""The API of remove.bg on top of our sale, so that its clients need only another host and a payment."""

from api.remove_bg.errors import error_list
from api.remove_bg.fields import REMOVE_BG
from api.remove_bg.headers import RATE_LIMIT_HEADERS, RemoveBgHeadersMiddleware

__all__ = ["RATE_LIMIT_HEADERS", "REMOVE_BG", "RemoveBgHeadersMiddleware", "error_list"]
