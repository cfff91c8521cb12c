"""The settings of the HTTP layer: its limits."""

import resource
from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from settings_types import CidrBlock, CommaSeparated, RedisUrl, Section

_KEPT_FREE = 160
"""Descriptors for other purposes: 40 of an idle worker (database, metrics, runner, log), 32 connections to each chain
or facilitator, decoders, images, and connections that are being closed."""


Port = Annotated[int, Field(ge=1, le=65_535)]


class UploadLimits(Section):
    """Limits on uploads."""

    max_bytes: PositiveInt = 25_000_000
    """Maximum bytes of one image."""
    max_side: PositiveInt = 10_000
    """Maximum pixels per side of one image."""
    max_bytes_in_flight: PositiveInt = 500_000_000
    """Bytes of all images that one API worker holds at a time, uploads and results; above it the answer is 503. A
    quarter is reserved for payers who have paid here within the last hour."""
    max_bytes_per_address: PositiveInt = 125_000_000
    """The same for the requests of one address (IPv6: /64); above it the answer is 429."""
    receive_timeout_s: PositiveFloat = 60.0
    """Seconds within which an image must arrive."""
    pace_bytes_s: PositiveInt = 8_000
    """Bytes per second that must arrive of it, on average over each window."""
    pace_window_s: PositiveFloat = 10.0
    """Length of that window in seconds."""


class FetchConfig(Section):
    """Images from `image_url`."""

    enabled: bool = True
    """Whether `image_url` is accepted. The service fetches only from public addresses, without a proxy."""
    timeout_s: PositiveFloat = 10.0
    """Seconds within which an image must be fetched, including redirects."""
    max_redirects: NonNegativeInt = 3
    """Maximum number of redirects; each address is checked."""
    at_a_time: PositiveInt = 16
    """Images that one API worker fetches at a time; above it the answer is 503."""
    ports: Annotated[tuple[Port, ...], CommaSeparated] = ()
    """Allowed ports, besides 80 for http and 443 for https."""
    networks: Annotated[tuple[CidrBlock, ...], CommaSeparated] = ()
    """Allowed addresses or networks that are not public. Every payer can then make this service send requests to
    them."""


class ConnectionLimits(Section):
    """Limits on the connections of clients."""

    total: PositiveInt = 1000
    """Connections of one API worker; above it, an idle one of the address with most connections is closed. It is
    lower if the limit on open files is lower."""
    per_address: PositiveInt = 100
    """The same of one address (IPv6: per /64), at most a quarter of all; trusted proxies have no such limit."""
    requests_per_s: PositiveFloat = 50.0
    """Requests per second that one address may begin, four times as many at once; further ones wait. Trusted proxies
    have no such limit."""
    head_timeout_s: PositiveFloat = 10.0
    """Seconds to complete the header fields of a request, from the connection or from their first byte."""
    keep_alive_s: PositiveInt = 75
    """Seconds that a connection stays open after an answer. It must be longer than clients and proxies keep theirs, so
    that nobody sends a request on a connection that is just being closed."""
    discard_timeout_s: PositiveFloat = 60.0
    """Seconds for the rest of a body that is already answered."""
    pace_bytes_s: PositiveInt = 8_000
    """Bytes per second that a client must read of an answer, or send of a body, on average over each window."""
    pace_window_s: PositiveFloat = 10.0
    """Length of that window in seconds."""
    announce_stop_s: NonNegativeFloat = 0.0
    """Seconds after SIGTERM in which `/readyz` is 503 and requests are still accepted, so that a load balancer
    removes this host before its port closes. If it requests `/readyz` every second: 5."""

    @property
    def affordable(self) -> int:
        """`total`, or fewer if there are fewer descriptors."""
        return max(1, min(self.total, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _KEPT_FREE))

    @property
    def affordable_per_address(self) -> int:
        """`per_address`, but at most a quarter of all, so that one address cannot occupy all connections."""
        return max(1, min(self.per_address, self.affordable // 4))


class RateLimitConfig(Section):
    """The limit on unpaid answers."""

    unpaid_per_minute: PositiveInt = 30
    """Unpaid answers per minute and address (IPv6: per /64); above it the answer is 429. A payer may have as many
    payments that buy nothing, an address four times as many."""
    redis_url: RedisUrl | None = None
    """Redis that counts them; by default the ledger's database counts them."""
