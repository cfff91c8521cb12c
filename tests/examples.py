"""How many examples Hypothesis draws: few for each change, many every night, and never the same ones at night."""

from typing import Final

from hypothesis import settings

NIGHTLY: Final = "nightly"
"""The profile of `make test-nightly`, chosen with `--hypothesis-profile`."""

settings.register_profile(NIGHTLY, max_examples=2000, deadline=None, derandomize=False)


def is_nightly() -> bool:
    return settings.get_current_profile_name() == NIGHTLY


def examples(for_a_change: int) -> int:
    """This many for each change, and at night as many as the profile says."""
    return settings.get_profile(NIGHTLY).max_examples if is_nightly() else for_a_change
