"""Settings with their value in a file: `CLEARCANVAS_MPP__SECRET_KEY_FILE=/run/secrets/mpp_secret_key`.

Docker, Kubernetes and systemd pass secrets as files: unlike an environment, a file is neither inherited nor listed.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from settings_types import Fault

SUFFIX = "_file"


def read_files(given: Mapping[str, Any], known: Collection[str]) -> tuple[dict[str, Any], list[Fault]]:
    """Replace each `NAME_file` of a known NAME by NAME with the content of that file, without the line ends at its end.

    Args:
        given: raw values by dotted name.
        known: all settings by dotted name.

    Returns:
        The values, and a fault for the variable of each unusable file. No fault contains a file's content.
    """
    values = dict(given)
    found: list[Fault] = []
    for pointer in [each for each in given if each not in known and each.removesuffix(SUFFIX) in known]:
        name, path = pointer.removesuffix(SUFFIX), values.pop(pointer)
        try:
            if name in given:
                raise ValueError("is set together with the same name without _FILE; set one of them")
            values[name] = _content(path)
        except ValueError as fault:
            found.append(Fault(pointer, str(fault)))
    return values, found


def _content(path: str) -> str:
    try:
        content = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("the file must hold UTF-8 text") from None
    if not content:
        raise ValueError("the file is empty")
    return content
