"""The service without payments: `bentoml serve benchmarks.race.unpaid:BackgroundRemoval`.

Server, upload limits, decoder processes, pipeline and runner are the shipped ones; there are no rails, no gate and no
ledger. API workers load the application late, and load this one.
"""

from types import ModuleType

import api_worker
from service import BackgroundRemoval

__all__ = ["BackgroundRemoval"]


def _application() -> ModuleType:
    from benchmarks.race import unpaid_app  # noqa: PLC0415  # as late as the shipped one

    return unpaid_app


vars(api_worker)["load_composition"] = _application
