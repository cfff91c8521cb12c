"""The file of payers who are refused, and what happens when it changes."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from errors import PayerRefused
from payments.deny_list import LOOK_EVERY_S, DenyList, read_addresses

ONE, OTHER = "0x" + "Ab" * 20, "0x" + "cd" * 20


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def look_again(self) -> None:
        self.now += LOOK_EVERY_S


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "denied"
    path.write_text(f"# of 2026\n\n  {ONE}  # a note\n")
    return path


def is_denied(denied: DenyList, payer: str) -> bool:
    try:
        denied.check(payer)
    except PayerRefused:
        return True
    return False


def test_addresses_are_refused_in_any_case(file: Path, clock: Clock) -> None:
    denied = DenyList(file, clock=clock)
    assert is_denied(denied, ONE.lower())
    assert is_denied(denied, ONE)
    assert not is_denied(denied, OTHER)
    assert not is_denied(DenyList(None), ONE)


def test_a_changed_file_is_read_again(file: Path, clock: Clock) -> None:
    denied = DenyList(file, clock=clock)
    file.write_text(OTHER)
    assert not is_denied(denied, OTHER)  # not looked at yet
    clock.look_again()
    assert is_denied(denied, OTHER)
    assert not is_denied(denied, ONE)
    replacement = file.with_name("new")
    replacement.write_text(ONE)
    replacement.replace(file)
    clock.look_again()
    assert is_denied(denied, ONE)


@pytest.mark.parametrize("wrong", ["0x12", "nobody", f"{OTHER}0", None])
def test_a_file_that_cannot_be_read_keeps_what_was_read(file: Path, clock: Clock, wrong: str | None) -> None:
    denied = DenyList(file, clock=clock)
    if wrong is None:
        file.unlink()
    else:
        file.write_text(f"{OTHER}\n{wrong}\n")
    clock.look_again()
    with capture_logs() as logs:
        assert is_denied(denied, ONE)
        assert not is_denied(denied, OTHER)
    assert [each["event"] for each in logs] == ["deny_list_unreadable"]
    assert OTHER not in str(logs)
    file.write_text(OTHER)
    clock.look_again()
    assert is_denied(denied, OTHER)


def test_at_the_start_a_wrong_file_is_an_error_that_names_the_line(file: Path) -> None:
    file.write_text(f"{ONE}\nmarked\n")
    with pytest.raises(ValueError, match="line 2 must be an address"):
        DenyList(file)
    with pytest.raises(OSError, match="No such file"):
        read_addresses(file.with_name("nowhere"))
