"""HTTP/1.1 at the socket: what is read as a request, and how long, how slow and how many connections may be."""

from api.http.drain import HARD_S, SETTLING_S, Drain
from api.http.limits import raise_descriptor_limit
from api.http.open_connections import OpenConnections
from api.http.protocol import ClientProtocol

__all__ = ["HARD_S", "SETTLING_S", "ClientProtocol", "Drain", "OpenConnections", "raise_descriptor_limit"]
