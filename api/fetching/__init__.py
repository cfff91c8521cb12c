"""Fetches pictures from the URLs that buyers name, and nothing else in our network.

The address that is connected to is the one that was judged: names are looked up once per request, by ourselves.
"""

from api.fetching.fetcher import Fetcher

__all__ = ["Fetcher"]
