"""Which tests run one after another in one process, and which beside each other. Made for more processes than cores:
most tests of payments wait for blocks and time-outs, and other tests compute meanwhile.

Tests of one group run in one process, one after another. A group is a file, unless this module says otherwise. Groups
start in the order in which tests are collected (see tiers.py). Each process has chains and a running service of its
own, which all its tests share, so a seller's earnings are exact: nobody else buys there meanwhile.

One process in five takes groups from the end of that order: tests that compute, and need neither service nor chain.
It starts none, and uses the cores while the others wait.
"""

from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

LEGS: Final = ("sqlite-two-workers", "postgresql-two-hosts")
"""Deployments that tests of one file take turns at: each is a group."""

APART: Final = (
    "tests/clients/test_examples.py",
    "tests/clients/test_lost_answers.py",
    "tests/docs/test_guides.py",
    "tests/faults/test_campaign.py",
    "tests/payments/mpp/test_rail.py",
    "tests/payments/x402/test_facilitator_settlement.py",
    "tests/payments/x402/test_http_facilitator.py",
    "tests/payments/x402/test_local_facilitator.py",
    "tests/payments/x402/test_local_settlement.py",
    "tests/payments/x402/test_monitor.py",
    "tests/payments/x402/test_rail.py",
    "tests/payments/x402/test_settlement_cost.py",
)
"""Files that take minutes, mostly waiting, and whose tests share nothing: each test is a group."""


def group_of(test: str) -> str:
    """The group of the test with this pytest id."""
    file = test.partition("::")[0]
    if file in APART:
        return test
    return file + next((leg for leg in LEGS if leg in test), "")


def takes_from_the_end(process: str, processes: int) -> bool:
    """Whether a process (`gw0`, `gw1`, …) is one of those that compute while the others wait."""
    return int(process.removeprefix("gw")) >= processes - processes // 5


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist carries no type information
    """Gives the next group to the process that has the least left to do."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if takes_from_the_end(node.gateway.id, self.numnodes):
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling | None:
    """For `--dist loadgroup`. The other ways of pytest-xdist stay what they are."""
    if config.getoption("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)
