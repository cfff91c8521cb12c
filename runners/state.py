"""The state of a runner's model, and the names of paths and headers."""

import json
from dataclasses import asdict, dataclass, fields

INFER, MODELS = "/infer/", "/models/"
"""Paths of the runner, each followed by a model's name."""
STATE = "X-State"
"""The model's state as JSON, on every response about a model."""
WITHIN = "X-Within-S"
"""Deadline of this request in seconds."""
CODE = "X-Code"
"""The code of an error of `errors`, on error responses."""


@dataclass(frozen=True, slots=True)
class State:
    """The state of one model of a runner.

    Attributes:
        wait_s: seconds until the inference of an image submitted now would start.
        picture_s: measured seconds per image with full batches.
        waiting: queued images.
        batch_limit: maximum images per batch.
        backend: name of the backend.
        fault: why the model is unavailable, as a public sentence; None when it is available.
        note: additional information for operators.
    """

    wait_s: float
    picture_s: float
    waiting: int
    batch_limit: int
    backend: str
    fault: str | None = None
    note: str | None = None

    def to_json(self) -> str:
        """The value of `X-State`, printable ASCII."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "State":
        """Read what `to_json` of this or another version wrote; unknown members are ignored.

        Raises:
            ValueError: the text is not a state.
        """
        try:
            known = {field.name for field in fields(cls)}
            return cls(**{name: value for name, value in json.loads(text).items() if name in known})
        except (AttributeError, TypeError) as error:
            raise ValueError(f"not the state of a model: {text!r}") from error
