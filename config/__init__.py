"""Settings: read once at start from the environment (`CLEARCANVAS_…`) and an optional TOML file, then plain values.

Nested names join with a double underscore: `CLEARCANVAS_X402__PAY_TO`. A TOML file named by `CLEARCANVAS_CONFIG` holds
the same names as tables (`[x402]` / `pay_to = "0x…"`). The environment wins over the file, both over the profile.
Each name followed by `_FILE` names a file that holds the value: `CLEARCANVAS_MPP__SECRET_KEY_FILE=/run/secrets/mpp`.
Each package defines its own section and takes it; `Settings` composes them, and only the composition root reads it.
"""

from config.loading import ConfigurationError, is_for_sellers, load, variable
from config.rules import runner_faults
from config.settings import Settings

__all__ = ["ConfigurationError", "Settings", "is_for_sellers", "load", "runner_faults", "variable"]
