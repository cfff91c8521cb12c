"""What can go wrong while models are judged."""


class EvaluationError(Exception):
    """A picture, a network or an option cannot be used; the text names it and the fault."""
