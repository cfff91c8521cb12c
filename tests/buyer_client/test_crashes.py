"""A buyer that is killed with SIGKILL at any step of a purchase pays once, and has the picture after the next run."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from clearcanvas import Outcome, Stage
from clearcanvas.journal import Journal
from clearcanvas.payment import State
from sandbox.chains import BaseChain, TempoChain
from tests.buyer_client.buyer import JOURNAL, PROGRAM, ROOT, Buyer, RailName, environment
from tests.buyer_client.conftest import FUNDS, RAILS
from tests.buying import unique_photograph
from tests.clients.cutouts import PRICE, assert_cut_out
from tests.fakes.lossy_proxy import losing_answers
from tests.running_service import RunningService

AFTERWARDS = {
    Stage.QUOTED: Outcome.BOUGHT,
    Stage.SIGNED: Outcome.BOUGHT,
    Stage.RECORDED: Outcome.FETCHED,
    Stage.ANSWERED: Outcome.FETCHED,
    Stage.RECEIVED: Outcome.FETCHED,
    Stage.RESULT_WRITTEN: Outcome.KEPT,
    Stage.RECEIPT_WRITTEN: Outcome.KEPT,
    Stage.DELIVERED: Outcome.KEPT,
}
"""How the next run comes by the picture, by the stage at which the first one was killed."""


@dataclass(frozen=True)
class Case:
    """One purchase that is cut off, and what became of it."""

    buyer: Buyer
    given: dict[str, Any]
    killed: int
    resumed: int
    log: str


@pytest.fixture(scope="module")
def cases(
    running_service: RunningService,
    base_chain: BaseChain,
    tempo_chain: TempoChain,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[RailName, Stage], Case]:
    """All of them, run by one process of many children."""
    asked = {
        (rail, stage): _case(running_service, tmp_path_factory, rail, stage) for rail in RAILS for stage in AFTERWARDS
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.buyer_client.crashing"],
        input=json.dumps([given for _, given in asked.values()]),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    codes = json.loads(done.stdout)
    return {
        name: Case(buyer, given, killed, resumed, done.stderr)
        for (name, (buyer, given)), (killed, resumed) in zip(asked.items(), codes, strict=True)
    }


def _case(
    service: RunningService, folders: pytest.TempPathFactory, rail: RailName, stage: Stage
) -> tuple[Buyer, dict[str, Any]]:
    account, folder = Account.create(), folders.mktemp("crash")
    for chain in (service.base_chain, service.tempo_chain):
        chain.fund(account.address, FUNDS)
    buyer = Buyer(service, rail, folder, "0x" + bytes(account.key).hex())
    (folder / "photo.jpg").write_bytes(unique_photograph())
    given = {
        "stage": stage,
        "rail": rail,
        "url": service.url,
        "key": buyer.key,
        "tempo_rpc_url": service.tempo_chain.rpc_url,
        "journal": str(buyer.out / JOURNAL),
        "source": str(folder / "photo.jpg"),
        "target": str(buyer.out / "photo.png"),
        "outcome": str(folder / "outcome"),
    }
    return buyer, given


@pytest.mark.parametrize("rail", RAILS)
@pytest.mark.parametrize("stage", AFTERWARDS)
def test_killed_after_any_step_it_pays_once(
    cases: dict[tuple[RailName, Stage], Case], rail: RailName, stage: Stage
) -> None:
    case = cases[rail, stage]
    assert (case.killed, case.resumed) == (-signal.SIGKILL, 0), case.log
    *replaced, entry = Journal(Path(case.given["journal"])).entries()
    assert entry.state is State.DELIVERED
    outcome = Path(case.given["outcome"]).read_text()
    if replaced and (rail, stage) == ("mpp", Stage.RECORDED):  # the sandbox's quotes end after 25 s
        assert [each.state for each in replaced] == [State.UNUSED]
        assert outcome == Outcome.BOUGHT
    else:
        assert (outcome, replaced) == (AFTERWARDS[stage], [])
    assert case.buyer.transfers() == [PRICE]
    assert_cut_out(Path(case.given["target"]).read_bytes(), size=(512, 512))
    receipt = json.loads(Path(case.given["target"] + ".receipt.json").read_text())
    assert receipt["amount"] == PRICE


@pytest.mark.parametrize(
    ("rail", "ended_by", "code"),
    [("x402", signal.SIGKILL, -signal.SIGKILL), ("mpp", signal.SIGKILL, -signal.SIGKILL), ("x402", signal.SIGINT, 130)],
)
def test_ended_while_it_waits_for_the_answer_it_pays_once(
    buyer: Callable[[RailName], Buyer], photo: Path, rail: RailName, ended_by: signal.Signals, code: int
) -> None:
    """The program: the service has taken the money, and the answer is still on its way."""
    one = buyer(rail)
    with losing_answers(one.service.url, after_s=60) as proxy:
        # Whoever runs the tests in the background has Ctrl-C ignored, and programs inherit that.
        command = ["env", "--default-signal=INT", *PROGRAM, *one.arguments(photo, url=proxy.url)]
        program = subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not proxy.paid and time.monotonic() < deadline:
            time.sleep(0.05)
        program.send_signal(ended_by)
        assert program.wait(10) == code
        assert proxy.paid == [200]
        again, said = one.run(photo, url=proxy.url)
    assert again == 0, said
    assert "1 fetched" in said
    assert one.transfers() == [PRICE]
    assert_cut_out((one.out / "photo.png").read_bytes(), size=(512, 512))
