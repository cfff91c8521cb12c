"""`python -m config` prints every setting as the table of docs/configuration.md."""

from typing import Any

from pydantic import BaseModel, SecretStr

from config.loading import names, variable
from config.profiles import PROFILES, preset
from config.settings import settings_with
from payments import RAILS


def reference() -> str:
    """One Markdown table over all settings: name, default of each profile, meaning."""
    head = ["| Name | sandbox | testnet | mainnet | Meaning |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(_row(name) for name in names() if name != "profile")])


def _row(name: str) -> str:
    default, meaning = _field(settings_with(), name.split("."))
    cells = [_shown(preset(profile, RAILS).get(name, default), name) for profile in PROFILES]
    return f"| `{variable(name)}` | {' | '.join(cells)} | {meaning} |"


def _field(section: type[BaseModel], path: list[str]) -> tuple[Any, str]:
    field = section.model_fields[path[0]]
    if len(path) > 1:
        assert isinstance(field.annotation, type)  # noqa: S101  # `names` walks sections only
        return _field(field.annotation, path[1:])
    return field.get_default(call_default_factory=True), " ".join((field.description or "").split())


def _shown(value: Any, name: str) -> str:
    if value is None or value in ((), {}):
        return "-"
    if name.endswith("_key"):
        return "(everybody's)"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return f"`{', '.join(map(str, value)) if isinstance(value, tuple) else value}`"


if __name__ == "__main__":
    print(reference())  # noqa: T201  # a command's output
