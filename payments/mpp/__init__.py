"""The MPP rail: the `Payment` authentication scheme, paid in pathUSD on Tempo."""

from payments.mpp.rail import MppRail

__all__ = ["MppRail"]
