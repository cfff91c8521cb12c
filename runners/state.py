"""What a runner says about one of its models, and the fields in which that travels."""

import json
from dataclasses import asdict, dataclass, fields

INFER, MODELS = "/infer/", "/models/"
"""Paths of the runner, each followed by a model's name."""
STATE = "X-State"
"""The model's state as JSON, on every answer about a model."""
WITHIN = "X-Within-S"
"""Seconds within which the picture of this request has to be done."""
CODE = "X-Code"
"""The code of errors.py, on refusals."""


@dataclass(frozen=True, slots=True)
class State:
    """How one model of a runner is.

    Attributes:
        wait_s: seconds until the inference of a picture that comes now would begin.
        picture_s: measured seconds per picture when batches are full.
        waiting: pictures that wait.
        batch_limit: pictures per batch at most.
        backend: which backend runs it.
        fault: why it cuts nothing out, as a public sentence; None when it is well.
        note: what else an operator should know.
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
        """Read what `to_json` wrote, there or by another version: what is not known here is left out.

        Raises:
            ValueError: it is something else.
        """
        try:
            known = {field.name for field in fields(cls)}
            return cls(**{name: value for name, value in json.loads(text).items() if name in known})
        except (AttributeError, TypeError) as error:
            raise ValueError(f"not the state of a model: {text!r}") from error
