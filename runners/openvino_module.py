"""Imports the package `openvino` with its telemetry disabled.

On import it stores a user identifier in the home directory and sends an event to an analytics service, unless its
package `openvino_telemetry` is missing. This module marks that package as missing.
"""

import sys
from importlib import import_module
from typing import Any, cast

cast(dict[str, Any], sys.modules)["openvino_telemetry"] = None  # Python's marker for a missing module
openvino: Any = import_module("openvino")
