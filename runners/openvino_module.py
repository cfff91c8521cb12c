"""The package `openvino`, without the report that importing it sends to its makers.

It keeps an identifier of the user in the home directory and sends an event to an analytics service, unless its package
for that is missing; so it is told that it is.
"""

import sys
from importlib import import_module
from typing import Any, cast

cast(dict[str, Any], sys.modules)["openvino_telemetry"] = None  # how Python notes that there is no such module
openvino: Any = import_module("openvino")
