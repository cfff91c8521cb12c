"""HTTP/1.1 connections: strict request parsing, and limits on their number, duration and slowness."""

from api.http.drain import HARD_S, SETTLING_S, Drain
from api.http.limits import raise_descriptor_limit
from api.http.open_connections import OpenConnections
from api.http.protocol import ClientProtocol

__all__ = ["HARD_S", "SETTLING_S", "ClientProtocol", "Drain", "OpenConnections", "raise_descriptor_limit"]
