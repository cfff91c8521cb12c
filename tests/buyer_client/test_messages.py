"""The program teaches, and fails in one line with the exit code that docs/client.md names."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from clearcanvas.cli.app import main
from clearcanvas.money import base_units, dollars
from clearcanvas.problem import Problem, Step
from tests.buyer_client.buyer import Buyer, RailName, key_file, run
from tests.buying import unique_photograph

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def wallet(tmp_path: Path, key: str) -> Path:
    """The key's file."""
    return key_file(tmp_path, key)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.jpg", "--url", NOWHERE], 2, "missing.jpg does not exist"),
        (["{photo}"], 2, "Missing option '--url'"),
        (["{photo}", "--url", "ftp://host"], 2, "must be the URL of a service"),
        (["{photo}", "--url", "http://example.com"], 2, "must start with https://"),
        (["{photo}", "--url", NOWHERE, "--max-spend", "lots"], 2, "must be an amount of dollars"),
        (["{photo}", "--url", NOWHERE, "--max-spend", "0.0000001"], 2, "at most 6 decimals"),
        (["{photo}", "--url", NOWHERE, "--rail", "cash"], 2, "cash"),
        (["{photo}", "--url", NOWHERE, "--format", "tiff"], 2, "--format must be one of"),
        (["{photo}", "--url", NOWHERE, "-O", "model"], 2, "must be NAME=VALUE"),
        (["{photo}", "--url", NOWHERE, "--out", "{folder}/results"], 5, "does not answer"),
        (["{notes}", "--url", NOWHERE, "--out", "{folder}/results"], 1, "is not a picture"),
        (["{folder}", "--url", NOWHERE, "--out", "{folder}/key"], 2, "The journal"),
    ],
)
def test_each_fault_has_its_line_and_its_code(
    photo: Path,
    wallet: Path,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    (photo.parent / "notes.jpg").write_text("words")
    places = {"photo": str(photo), "folder": str(photo.parent), "notes": str(photo.parent / "notes.jpg")}
    arguments = [argument.format(**places) for argument in arguments]
    came, error = run("remove", *arguments, "--key-file", wallet)
    assert came == code, error
    assert said in error


def test_the_key_comes_from_a_safe_place_only(photo: Path, wallet: Path, key: str) -> None:
    """A key that others may read is refused, one that is none too, and none is ever shown."""
    arguments: list[str | Path] = [
        "remove",
        photo,
        "--url",
        NOWHERE,
        "--out",
        photo.parent / "out",
        "--key-file",
        wallet,
    ]
    wallet.chmod(0o644)
    assert run(*arguments)[1].startswith("Error: Other users may read the key")
    wallet.chmod(0o600)
    wallet.write_text(key[:-2])
    code, error = run(*arguments)
    assert (code, key[:-2] in error) == (5, False)
    assert "32-byte private key" in error


def test_options_that_the_service_does_not_know_are_refused_before_anything_is_signed(
    buyer: Callable[[RailName], Buyer], photo: Path
) -> None:
    one = buyer("x402")
    code, error = one.run(photo, "-O", "fromat=png")
    assert (code, one.transfers()) == (2, []), error
    assert "fromat" in error


def test_help_names_the_ways_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["remove", "--help"])
    shown = capsys.readouterr().out
    for word in ("--max-spend", "BUYER_KEY", "photos/", "Exit codes", "--dry-run"):
        assert word in shown


def test_the_price_is_shown_without_a_key(
    capsys: pytest.CaptureFixture[str], buyer: Callable[[RailName], Buyer], tmp_path: Path
) -> None:
    """And a dry run names what would be bought for it."""
    url = buyer("x402").service.url
    with pytest.raises(SystemExit):
        main(["price", "--url", url])
    assert capsys.readouterr().out.startswith("$0.05 by x402, in 0x036CbD53842c5426634e7929541eC2318f3dCF7e")
    for name in ("a.jpg", "a.jfif"):
        (tmp_path / name).write_bytes(unique_photograph())
    with pytest.raises(SystemExit):
        main(["remove", str(tmp_path), "--url", url, "--rail", "mpp", "--out", str(tmp_path / "out"), "--dry-run"])
    shown = capsys.readouterr().out
    assert "a.jpg.png" in shown
    assert "a.jfif.png" in shown
    assert "2 pictures at $0.05 by mpp: at most $0.10" in shown
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "units"), [("0", 0), ("$0.05", 50_000), ("1", 1_000_000), (" 2.500001 ", 2_500_001), ("1e2", 100_000_000)]
)
def test_money_is_counted_in_whole_base_units(text: str, units: int) -> None:
    assert base_units(text) == units
    assert base_units(dollars(units)) == units


def test_what_a_service_says_cannot_steer_a_terminal() -> None:
    """Its text is cut, and holds no escape sequence."""
    body = {"detail": "\x1b]0;owned\x07" + "x" * 1000, "retry_action": "fix_request", "payment_state": "unused"}
    problem = Problem.read(httpx.Response(400, headers={"Content-Type": "application/problem+json"}, json=body))
    assert problem.message.isprintable()
    assert len(problem.message) == 500
    assert problem.step is Step.GIVE_UP
