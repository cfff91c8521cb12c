"""The tutorial's commands, run against the service one after the other."""

from pathlib import Path

from sandbox.accounts import SELLER
from tests.clients.cutouts import PRICE
from tests.docs.consoles import ROOT, console_blocks, run_in_clone
from tests.running_service import RunningService


def test_its_commands_print_what_it_shows_and_buy_once(running_service: RunningService, tmp_path: Path) -> None:
    earned = running_service.base_chain.balance_of(SELLER.address)
    blocks = list(console_blocks(ROOT / "docs" / "tutorial.md"))
    for commands, shown in [*blocks, blocks[-1]]:
        printed = run_in_clone(tmp_path, running_service, commands)
        assert [line for line in shown if line not in printed] == []
    assert (tmp_path / "cutout.png").exists()
    assert running_service.base_chain.balance_of(SELLER.address) - earned == PRICE
