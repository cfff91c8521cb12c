"""`reconcile` and `replay-doubt` on a real ledger and real chains."""

import json

import pytest

from sandbox.chains import BaseChain, TempoChain
from storage import Database, RecordState, SqlRecords, Wanted
from tests.ops.chains import cheaper, moved, now_on, on_chains, payment_of, settled, settling, signed
from tests.ops.conftest import Operator


@pytest.fixture
def operator(sqlite_operator: Operator, base_chain: BaseChain, tempo_chain: TempoChain) -> Operator:
    return on_chains(sqlite_operator, base_chain, tempo_chain)


def test_after_a_sale_they_agree(operator: Operator, base_chain: BaseChain) -> None:
    since, one = now_on(base_chain), signed()
    sent = moved(base_chain, one)
    operator.ledger(lambda database: settled(database, payment_of(one), sent))
    ran = operator.run("reconcile", "--since", since, "--until", "now", "--rail", "x402")
    assert ran.exit_code == 0, ran.output
    assert "0 differences" in ran.stdout


def test_each_difference_is_said_and_is_an_exit_code(operator: Operator, base_chain: BaseChain) -> None:
    since, wrong, never, unknown = now_on(base_chain), signed(), signed(), signed()
    sent, lost = moved(base_chain, wrong), moved(base_chain, unknown)
    operator.ledger(lambda database: settled(database, cheaper(payment_of(wrong)), sent))
    operator.ledger(lambda database: settled(database, payment_of(never), "0xinvented"))
    ran = operator.run("reconcile", "--since", since, "--until", "now", "--rail", "x402", "--json")
    assert ran.exit_code == 1, ran.output
    found = {each["kind"]: (each["payment"], each["transaction"]) for each in json.loads(ran.stdout)}
    assert found == {
        "amount": (payment_of(wrong).id, sent),
        "no_transfer": (payment_of(never).id, "0xinvented"),
        "no_row": (None, lost),
    }
    shown = operator.run("reconcile", "--since", since, "--until", "now", "--rail", "x402")
    assert shown.exit_code == 1
    assert "a transfer to your address that is not in this ledger" in shown.stdout


def test_a_chain_that_does_not_answer_is_no_agreement(operator: Operator) -> None:
    operator.environment["CLEARCANVAS_X402__RPC_URL"] = "http://127.0.0.1:9/marked-key"
    ran = operator.run("reconcile", "--since", "1h", "--rail", "x402")
    assert ran.exit_code == 1
    assert "chain does not respond" in ran.stderr
    assert "marked-key" not in ran.output


def test_a_rail_has_to_be_enabled(operator: Operator) -> None:
    assert operator.run("reconcile", "--rail", "cash").exit_code == 2


async def states(database: Database) -> dict[str, RecordState]:
    return {each.entry.payment.id: each.state for each in await SqlRecords(database).page(everything())}


def everything() -> Wanted:
    return Wanted(states=frozenset(RecordState))


def test_doubts_end_as_the_chain_says(operator: Operator, base_chain: BaseChain) -> None:
    """What moved is settled; what has expired unused is forgotten."""
    del operator.environment["CLEARCANVAS_X402__SETTLEMENT_KEY"]
    operator.environment["CLEARCANVAS_X402__FACILITATOR_URL"] = "http://127.0.0.1:9"
    paid, expired = signed(), signed(valid_for_s=-60)
    moved(base_chain, paid)
    operator.ledger(lambda database: settling(database, payment_of(paid)))
    operator.ledger(lambda database: settling(database, payment_of(expired)))
    ran = operator.run("replay-doubt", "--yes")
    assert ran.exit_code == 0, ran.output
    assert operator.ledger(states) == {
        payment_of(paid).id: RecordState.NOT_FINAL,
        payment_of(expired).id: RecordState.ABANDONED,
    }
    assert "1 settled" in ran.stdout
    assert "1 not moved by this ledger: forgotten" in ran.stdout


def test_nothing_is_written_before_a_yes(operator: Operator, base_chain: BaseChain) -> None:
    one = signed()
    moved(base_chain, one)
    operator.ledger(lambda database: settling(database, payment_of(one)))
    ran = operator.run("replay-doubt", answer="n\n")
    assert ran.exit_code == 1
    assert operator.ledger(states) == {payment_of(one).id: RecordState.IN_DOUBT}


def test_a_doubt_that_stays_is_an_exit_code(operator: Operator) -> None:
    operator.ledger(lambda database: settling(database, payment_of(signed())))
    operator.environment["CLEARCANVAS_X402__RPC_URL"] = "http://127.0.0.1:9"
    ran = operator.run("replay-doubt", "--yes")
    assert ran.exit_code == 1
    assert "1 in-doubt" in ran.stdout


def test_without_doubts_nobody_is_asked(operator: Operator) -> None:
    ran = operator.run("replay-doubt")
    assert ran.exit_code == 0
    assert "0 payments checked" in ran.stdout
