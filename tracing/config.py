"""The settings of traces; importing this loads nothing of OpenTelemetry."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from settings_types import Fault, Section, Url, reveal


def _pairs(secret: SecretStr) -> SecretStr:
    if not all(all(part.strip() for part in each.partition("=")) for each in secret.get_secret_value().split(",")):
        raise ValueError("must be NAME=VALUE, several separated by commas")
    return secret


class TracesConfig(Section):
    """Traces of requests (OpenTelemetry)."""

    endpoint: Url | None = None
    """Collector of traces, `http://host:4318`, by OTLP over HTTP. Without it there are no traces."""
    share: float = Field(default=1.0, ge=0, le=1)
    """Share of traced requests, 0 to 1, whatever a client's `traceparent` says."""
    headers: Annotated[SecretStr, AfterValidator(_pairs)] | None = None
    """Header fields for the collector, `authorization=Bearer …`; several separated by commas."""

    def header_fields(self) -> dict[str, str]:
        """`headers` by name."""
        pairs = (each.partition("=") for each in (reveal(self.headers) or "").split(",") if each)
        return {name.strip(): value.strip() for name, _, value in pairs}

    def secrets(self) -> Iterator[str]:
        """As `Section.secrets`: the values, and the last word of each."""
        for value in self.header_fields().values():
            yield from {value, value.split()[-1]}

    def faults(self) -> Iterator[Fault]:
        """The faults that prevent sending traces."""
        if self.endpoint is not None and not _can_send():
            yield Fault("endpoint", "needs packages that are not installed: the extra `traces` of pyproject.toml")


def _can_send() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False
