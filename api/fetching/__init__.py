"""Fetches pictures from the URLs that buyers name, and nothing else in our network.

The address that is connected to is the one that was checked: we look each name up once per request.
"""

from api.fetching.fetcher import Fetcher

__all__ = ["Fetcher"]
