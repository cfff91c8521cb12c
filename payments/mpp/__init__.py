"""The MPP rail: the `Payment` authentication scheme, paid in dollars on Tempo.

This module exports its description; `payments.mpp.rail` implements it, and loads the SDK.
"""

from payments.mpp.info import RAIL

__all__ = ["RAIL"]
