"""`payments list | show | export`, on both databases."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from payments import mpp, x402
from sandbox.process import ROOT
from storage import Database, RecordState
from tests.ops.conftest import Operator
from tests.storage.planting import planted


async def every_state(database: Database) -> None:
    for state in RecordState:
        await planted(database, state)


def states(output: str) -> set[str]:
    return {each["state"] for each in json.loads(output)}


def test_lists_what_did_not_end_without_a_trace(operator: Operator) -> None:
    operator.ledger(every_state)
    ran = operator.run("payments", "list", "--json")
    assert ran.exit_code == 0, ran.output
    assert states(ran.stdout) == {each.value for each in RecordState} - {"abandoned"}


def test_lists_by_state_rail_and_payer(operator: Operator) -> None:
    operator.ledger(every_state)
    operator.ledger(lambda database: planted(database, RecordState.FINAL, "over mpp", rail="mpp", payer="0xabc"))
    assert states(operator.run("payments", "list", "--json", "--state", "in-doubt").stdout) == {"in-doubt"}
    for words in (("--rail", "mpp"), ("--payer", "0xABC")):
        [only] = json.loads(operator.run("payments", "list", "--json", *words).stdout)
        assert only["payment"] == "over mpp"


def test_a_table_cuts_nothing_off_outside_of_a_terminal(sqlite_operator: Operator) -> None:
    name = "0x" + "ab" * 32
    sqlite_operator.ledger(lambda database: planted(database, RecordState.FINAL, name))
    assert name in sqlite_operator.run("payments", "list").stdout


def test_says_when_there_are_more(sqlite_operator: Operator) -> None:
    sqlite_operator.ledger(every_state)
    assert "For more: --limit" in sqlite_operator.run("payments", "list", "--limit", "2").stderr


def test_shows_one_by_id_or_transaction_and_never_what_was_signed(operator: Operator) -> None:
    evidence = {"asset": x402.info.TEST_USDC, "raw": "0xsigned"}
    operator.ledger(lambda database: planted(database, RecordState.FINAL, "a", evidence=evidence))
    for reference in ("a", "0xa"):
        ran = operator.run("payments", "show", reference)
        assert ran.exit_code == 0, ran.output
        assert "final_at" in ran.stdout
        assert "0xsigned" not in ran.output
    ran = operator.run("payments", "show", "nobody's")
    assert ran.exit_code == 1
    assert "has no payment with this id" in ran.stderr


def test_the_books_have_a_line_for_each_settled_payment(operator: Operator, tmp_path: Path) -> None:
    async def sold(database: Database) -> None:
        await every_state(database)
        usdc, path = {"asset": x402.info.TEST_USDC}, {"currency": mpp.info.PATH_USD}
        await planted(database, RecordState.FINAL, "x", evidence=usdc, amount=1_234_567, payer="0xaa")
        await planted(database, RecordState.FINAL, "m", evidence=path, rail="mpp", amount=50_000, product=None)

    operator.ledger(sold)
    file = tmp_path / "books.csv"
    ran = operator.run("payments", "export", "--out", str(file))
    assert ran.exit_code == 0, ran.output
    lines = {line["payment"]: line for line in csv.DictReader(io.StringIO(file.read_text()))}
    assert set(lines) == {"x", "m", "final", "not-final"}
    x = lines["x"]
    assert (x["rail"], x["network"], x["asset"], x["model"]) == ("x402", "eip155:84532", "USDC", "m")
    assert (x["amount_base_units"], x["amount"], x["payer"], x["transaction"]) == ("1234567", "1.234567", "0xaa", "0xx")
    assert x["time"].endswith("Z")
    assert (lines["m"]["asset"], lines["m"]["asset_address"]) == ("pathUSD", mpp.info.PATH_USD)
    assert (lines["m"]["model"], lines["m"]["amount"]) == ("", "0.05")


def test_the_books_never_replace_a_file(sqlite_operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "books.csv"
    file.write_text("last year's")
    ran = sqlite_operator.run("payments", "export", "--out", str(file))
    assert ran.exit_code == 1
    assert "cannot be written" in ran.stderr
    assert file.read_text() == "last year's"


def test_the_books_of_many_payments_are_whole(sqlite_operator: Operator) -> None:
    """More than one page of them."""

    async def sold(database: Database) -> None:
        for number in range(1_100):
            await planted(database, RecordState.NOT_FINAL, f"{number:04}")

    sqlite_operator.ledger(sold)
    lines = list(csv.DictReader(io.StringIO(sqlite_operator.run("payments", "export").stdout)))
    assert sorted(line["payment"] for line in lines) == [f"{number:04}" for number in range(1_100)]


@pytest.mark.parametrize("words", [("--since", "yesterday"), ("--since", "1d", "--until", "2d")])
def test_says_which_period_cannot_be(sqlite_operator: Operator, words: tuple[str, ...]) -> None:
    assert sqlite_operator.run("payments", "list", *words).exit_code == 2


def test_as_a_program_it_says_what_is_wrong_in_one_sentence_and_no_password(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "ops", "payments", "list"],
        env={"CLEARCANVAS_DATABASE_URL": "postgresql://user:marked-password@127.0.0.1:1/ledger", "PATH": "/usr/bin"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("The payment ledger is unavailable")
    assert "marked-password" not in ran.stderr + ran.stdout
    assert "Traceback" not in ran.stderr
