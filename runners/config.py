"""Settings of the matting runner and of its queue."""

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt

from settings_types import CommaSeparated, Fault, IpAddress, Secret32, Section, Url, check_price, is_loopback


class ModelChoice(NamedTuple):
    """A model name with its own price in US dollars, if it has one."""

    name: str
    usd: Decimal | None

    def __str__(self) -> str:
        return self.name if self.usd is None else f"{self.name}={self.usd:f}"


_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _model_choice(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    name, priced, usd = text.partition("=")
    if not _MODEL_NAME.fullmatch(name):
        raise ValueError(f"{text!r} must be NAME or NAME=PRICE")
    try:
        return ModelChoice(name, check_price(Decimal(usd)) if priced else None)
    except (InvalidOperation, ValueError):
        raise ValueError(f"{text!r} must name a positive price with at most 6 decimal places") from None


ModelSpec = Annotated[ModelChoice, BeforeValidator(_model_choice)]
"""Text is NAME or NAME=PRICE."""


class RunnerConfig(Section):
    """The matting runner: which model and backend, and how much may wait for it."""

    model: str = "clearcanvas-matte-6"
    """Name of a manifest in models/ or in the folder of pulled models: the default."""
    more_models: Annotated[tuple[ModelSpec, ...], CommaSeparated] = ()
    """Further models to serve, for `?model=NAME`: names, or `NAME=PRICE` in US dollars where the price differs."""
    models_folder: Path = Path("state/models")
    """Folder of models that `python -m modelkit` pulled or added."""
    backend: Literal["auto", "tensorrt", "cuda", "openvino", "cpu"] = "auto"
    """What runs the network: `auto` takes the first of `tensorrt`, `cuda` and `cpu` that proves itself; with one that
    is named the service does not start where that one cannot run."""
    precision: Literal["auto", "fp32"] = "auto"
    """Precision of the network on ONNX Runtime and OpenVINO: `auto` takes a model's fp16 file on a GPU and its int8
    file on a CPU with VNNI, where it has one that is near enough to fp32 when the service starts; `fp32` no other."""
    engines_folder: Path = Path("state/engines")
    """Folder in which TensorRT's engines are kept; best on a volume, for building them takes minutes."""
    threads: PositiveInt = 1
    """CPU threads of one inference."""
    max_batch_size: Literal["auto"] | PositiveInt = "auto"
    """Images per inference call at most; `auto`: 1 on a CPU, measured on a GPU."""
    max_wait_s: PositiveFloat = 10.0
    """The longest expected wait, in seconds, with which an image is taken in; more are answered 503 before their
    payment is touched."""
    timeout_s: PositiveFloat = 30.0
    """Seconds after which an inference counts as failed."""
    max_megapixels_in_flight: PositiveFloat = 250.0
    """Megapixels at work in one API worker, weighted by the memory that they take; more wait."""
    addresses: Annotated[tuple[Url, ...], CommaSeparated] = ()
    """Runners on other hosts, `http://host:port`; a name with several addresses is as many runners. Without any, the
    service starts a runner of its own."""
    token: Secret32 | None = None
    """Secret that API and runners on different hosts share: `openssl rand -base64 32`."""
    host: IpAddress = "127.0.0.1"
    """IP address on which a runner on a host of its own listens."""
    port: Annotated[int, Field(gt=0, lt=65536)] = 3100
    """Its port."""

    def faults(self) -> Iterator[Fault]:
        """What keeps a runner from working, or others from reaching it safely."""
        yield from self._models()
        if self.token is None and not is_loopback(self.host):
            yield Fault("token", f"is missing, and {self.host} can be reached from other hosts", ("host",))
        far = [url for url in self.addresses if not is_loopback(urlsplit(url).hostname)]
        if self.token is None and far:
            yield Fault("token", f"is missing, and {far[0]} is on another host", ("addresses",))
        for url in self.addresses:
            if urlsplit(url).path:
                yield Fault("addresses", f"{url} must end with its port")

    def _models(self) -> Iterator[Fault]:
        names = Counter([self.model, *(each.name for each in self.more_models)])
        for name, count in names.items():
            if count > 1:
                yield Fault("more_models", f"{name} is named twice", others=("model",))
