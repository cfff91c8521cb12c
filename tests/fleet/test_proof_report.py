"""What a proof makes of what it has seen: a passed one, and each reason for which it must not pass."""

from collections import Counter

import pytest

from tests.faults.audit import audit
from tests.faults.history import Call, History, Payment, Transfer
from tests.faults.pictures import PICTURES
from tests.fleet.proof.acts import ALL_ACTS, SHORT, Act, Played, chosen
from tests.fleet.proof.fleet import MEMBERS
from tests.fleet.proof.report import faults, rows
from tests.fleet.proof.run import Result

BEGAN = 1000.0


def sold(result: Result, at: float) -> Payment:
    """A sale that began at this second, settled in the next and brought the picture in the one after."""
    history = result.history
    payment = history.payment(history.order(0, "mpp", PICTURES[0], "png"), {}, f"0x{at:g}", f"{at:g}", at)
    call = history.call(payment, "proxy", "plain", PICTURES[0].name, at)
    call.ended_at, call.status, call.right, call.answer = at + 2, 200, True, "digest"
    payment.transfers.append(Transfer("Tempo", "0x1", 1, int(at) + 1, 50_000))
    payment.verdict = "delivered"
    return payment


def refused(payment: Payment, at: float, status: int, code: str) -> Call:
    """A call before the one that brought the picture."""
    call = Call(0, at, "proxy", "plain", PICTURES[0].name, ended_at=at + 0.1, status=status, code=code)
    call.charged, call.retryable, call.detail = None, True, "Because."
    payment.calls.insert(0, call)
    return call


@pytest.fixture
def result() -> Result:
    """Two sales while an API host was restarted, 30 s apart; nothing is wrong."""
    restart = Played(Act("restart", "api1"), BEGAN, BEGAN + 5, BEGAN + 10, BEGAN + 40)
    found = Result(History("fleet"), played=[restart])
    sold(found, BEGAN + 1)
    sold(found, BEGAN + 31)
    return judged(found)


def judged(result: Result, differences: list[str] | None = None) -> Result:
    result.ledger_differences = differences or []
    result.findings = audit(result.history, result.ledger_differences, [])
    return result


def test_a_clean_proof_passes_and_tells_each_act(result: Result) -> None:
    assert faults(result) == []
    [row] = rows(result)
    assert (row.act, row.calls, row.failed, row.settled, row.lost) == ("restart api1", 2, {}, 2, {})
    assert (row.without_a_sale_s, row.back_after_s) == (30.0, 5.0)


def test_a_failed_call_during_a_restart_of_one_of_a_pair(result: Result) -> None:
    refused(result.history.payments[0], BEGAN + 1, 503, "unavailable")
    assert faults(judged(result)) == ["restart api1: failed paid calls: {'503 unavailable': 1}"]
    assert rows(result)[0].details == ["Because."]


def test_what_a_slow_machine_answers_by_itself_is_forgiven_in_the_short_form_only(result: Result) -> None:
    refused(result.history.payments[0], BEGAN + 1, 503, "rail_unavailable")
    assert faults(judged(result)) == ["restart api1: failed paid calls: {'503 rail_unavailable': 1}"]
    result.slow_machine = True
    assert faults(result) == []


def test_a_failed_call_during_a_fault_is_no_fault(result: Result) -> None:
    result.played[0].act = Act("kill", "api1")
    refused(result.history.payments[0], BEGAN + 1, 503, "unavailable")
    assert faults(judged(result)) == []


def test_money_that_moved_twice(result: Result) -> None:
    payment = result.history.payments[1]
    payment.transfers *= 2
    assert faults(judged(result)) == ["double_charged 1"]
    assert rows(result)[0].lost == {"double_charged": 1}


def test_a_ledger_that_differs_from_the_chains(result: Result) -> None:
    assert faults(judged(result, ["payment 0: claimed in the ledger, moved"])) == ["ledger_differs 1"]


def test_an_answer_without_retry_after(result: Result) -> None:
    result.no_retry_after = Counter({"502 to a quote": 2})
    assert faults(result) == ["without Retry-After: 502 to a quote 2"]


def test_a_host_that_did_not_come_back_and_acts_that_were_not_played(result: Result) -> None:
    result.played[0].failed = "it has ended"
    result.not_played = [Act("kill", "redis")]
    assert faults(result) == ["restart api1 did not come back: it has ended", "kill redis was not played"]


def test_a_proof_without_a_sale_has_proven_nothing() -> None:
    assert faults(judged(Result(History("fleet")))) == ["nothing was sold"]


def test_every_host_suffers_everything() -> None:
    for kind in ("kill", "freeze", "part", "restart"):
        assert {act.member for act in ALL_ACTS if act.kind == kind} == set(MEMBERS)
    assert set(SHORT) <= set(ALL_ACTS)
    assert chosen("kill api, part from") == [act for act in ALL_ACTS if str(act).startswith(("kill api", "part from"))]
