"""Fetches pictures from buyers' URLs, without access to our own network.

It connects to the address that it checked: each name is resolved once per request.
"""

from api.fetching.fetcher import Fetcher

__all__ = ["Fetcher"]
