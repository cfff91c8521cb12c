"""Buys in processes that end themselves with SIGKILL at a chosen stage, and then again in others that do not.

A program of its own, because it forks: the packages are loaded once for all of its children. It reads cases as JSON and
prints what came of each.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clearcanvas import AsyncClient, Stage, Wallet
from tests.buyer_client.buyer import somebody

AT_A_TIME = 4


def buy(case: dict[str, Any], *, until: Stage | None) -> None:
    """Buy the picture of a case; the outcome goes into a file beside it. The process ends itself when `until` comes."""

    def die(name: str, stage: Stage) -> None:
        if stage is until:
            os.kill(os.getpid(), signal.SIGKILL)

    async def run() -> str:
        http = somebody()
        client = AsyncClient(
            case["url"],
            wallet=Wallet(case["key"]),
            journal=case["journal"],
            max_spend="0.10",
            rail=case["rail"],
            tempo_rpc_url=case["tempo_rpc_url"],
            observe=die,
            http=http,
        )
        async with http, client:
            return (await client.remove_background_file(case["source"], case["target"])).outcome.value

    Path(case["outcome"]).write_text(asyncio.run(run()))


def in_children(cases: list[dict[str, Any]], until: Callable[[dict[str, Any]], Stage | None]) -> list[int]:
    """Run all cases at once, each in a child; their exit codes as the system tells them (-9 for SIGKILL)."""
    children = []
    for case in cases:
        with forked() as pid:
            if pid == 0:
                buy(case, until=until(case))
        children.append(pid)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]


@contextmanager
def forked() -> Iterator[int]:
    """In the parent the child's id; in the child 0, and it ends with the block."""
    pid = os.fork()
    if pid != 0:
        yield pid
        return
    try:
        yield pid
    except BaseException as error:  # noqa: BLE001 - a child's last words
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    given = json.load(sys.stdin)
    codes: list[tuple[int, int]] = []
    for start in range(0, len(given), AT_A_TIME):
        some = given[start : start + AT_A_TIME]
        killed = in_children(some, lambda case: Stage(case["stage"]))
        codes += zip(killed, in_children(some, lambda case: None), strict=True)
    json.dump(codes, sys.stdout)
