"""The rows of the guides' tables, from the service's options and error tree."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.guides.charged import Charged
from api.options import OPTIONS
from api.problem_pages import problem_types
from api.problems import PROBLEMS_PATH
from errors import ClientDisconnected, RetryAction


@dataclass(frozen=True)
class Words:
    """The texts of one language: options by name, errors by code, next steps, and whether a payment was charged."""

    options: Mapping[str, str]
    errors: Mapping[str, str]
    next_steps: Mapping[RetryAction, str]
    charged: Mapping[Charged, str]


def option_rows(words: Words) -> list[dict[str, str]]:
    """Name, accepted values, default, example and description of each option."""
    return [
        {
            "name": name,
            "values": _values(option.schema),
            "default": str(option.schema.get("default", "")),
            "example": f"{name}={option.example}",
            "meaning": words.options[name],
        }
        for name, option in OPTIONS.items()
    ]


def error_rows(words: Words) -> list[dict[str, Any]]:
    """Each error code that a buyer can receive, by status."""
    seen = (error for error in problem_types() if error is not ClientDisconnected)
    return [
        {
            "status": error.status,
            "code": error.code,
            "url": f"{PROBLEMS_PATH}/{error.code}",
            "meaning": words.errors[error.code],
            "retryable": error.retry_action in (RetryAction.RESEND_SAME, RetryAction.WAIT_AND_RESEND),
            "charged": words.charged[Charged.by(error)],
            "next_step": words.next_steps[error.retry_action],
        }
        for error in sorted(seen, key=lambda error: error.status)
    ]


def _values(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(schema["enum"])
    return f"{schema['minimum']} … {schema['maximum']}" if "minimum" in schema else ""
