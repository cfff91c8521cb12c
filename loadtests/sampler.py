"""What the machine does meanwhile: memory, CPU, files and threads of each process, and what the service counts."""

import os
import re
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

GAUGES = {
    "in flight": "clearcanvas_images_in_flight",
    "waiting in the runner": "clearcanvas_runner_waiting",
    "seconds until a start": "clearcanvas_runner_wait_seconds",
}
COUNTERS = {
    "pictures": "clearcanvas_batch_size_sum",
    "batches": "clearcanvas_batch_size_count",
}
STAGE = ("clearcanvas_stage_seconds_sum", "clearcanvas_stage_seconds_count")

_ROLES = (
    ("imaging.isolated.worker", "decoder"),
    ("MattingRunner", "runner"),
    ("--worker-id", "API worker"),
    ("bentoml serve", "supervisor"),
    ("loadtests/locustfile.py", "load"),
    ("loadtests.signer", "signer"),
    ("anvil", "chain"),
    ("sandbox.rpc_proxy", "chain"),
)


class Sampler:
    """Looks at the processes below this one, and asks a service for its metrics, while the block runs.

    Args:
        every_s: seconds between two looks.

    Attributes:
        rows: of each look: unix seconds, what the service counted, and of each process its figures.
    """

    def __init__(self, url: str, *, every_s: float) -> None:
        self.rows: list[dict[str, Any]] = []
        self._url, self._every_s = url, every_s
        self._done = threading.Event()
        self._slots = Slots()
        self._thread = threading.Thread(target=self._run, name="sampler")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        with httpx.Client(timeout=10, trust_env=False) as client:
            while True:
                self.rows.append({"at": round(time.time(), 2), "processes": self._processes(), **self._counted(client)})
                if self._done.wait(self._every_s):
                    return

    def _processes(self) -> dict[str, list[float]]:
        found = {}
        for name, process in self._slots.named(psutil.Process().children(recursive=True)):
            with suppress(psutil.Error), process.oneshot():
                cpu = process.cpu_times()
                figures = [process.memory_info().rss / 1e6, cpu.user + cpu.system]
                found[name] = [round(each, 3) for each in figures] + [process.num_fds(), process.num_threads()]
        return found

    def _counted(self, client: httpx.Client) -> dict[str, Any]:
        try:
            text = client.get(f"{self._url}/metrics").raise_for_status().text
        except httpx.HTTPError:
            return {"counted": {}}
        return {"counted": counted(text)}


class Slots:
    """Names for processes that last: `decoder 2`. A process that replaces an ended one of its role gets its name."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, float], str] = {}

    def named(self, processes: Iterable[psutil.Process]) -> list[tuple[str, psutil.Process]]:
        """The living ones that have a role, with their names."""
        roles = {(each.pid, each.create_time()): (role_of(each), each) for each in processes if role_of(each)}
        self._names = {key: name for key, name in self._names.items() if key in roles}
        for key, (role, _) in sorted(roles.items()):
            if key not in self._names:
                taken = set(self._names.values())
                self._names[key] = next(name for number in range(1, 1000) if (name := f"{role} {number}") not in taken)
        return [(self._names[key], process) for key, (_, process) in roles.items()]


def role_of(process: psutil.Process) -> str:
    """What a process of the load test is; "" of others, and of one that has ended."""
    try:
        command = " ".join(process.cmdline())
    except psutil.Error:
        return ""
    if "die_with_parent" in command:
        return ""
    return next((role for words, role in _ROLES if words in command), "")


def counted(exposition: str) -> dict[str, float]:
    """GAUGES and COUNTERS by their names, and of each stage seconds and number: `stage infer s`, `stage infer n`."""
    found: dict[str, float] = {}
    names = {metric: name for name, metric in (GAUGES | COUNTERS).items()}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            if sample.name in names:
                found[names[sample.name]] = found.get(names[sample.name], 0.0) + sample.value
            elif sample.name in STAGE:
                found[f"stage {sample.labels['stage']} {'sn'[STAGE.index(sample.name)]}"] = sample.value
    return found


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    text = ""
    with suppress(OSError), open("/proc/cpuinfo") as file:  # noqa: PTH123
        text = file.read()
    model = re.search(r"model name\s*: (.+)", text)
    return {
        "cpu": model[1] if model else "unknown",
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_average": round(os.getloadavg()[0], 2),
    }
