"""A switch with hosts in network namespaces. To be used inside of the namespaces that `isolation` makes.

Buyers and chains are in the namespace of this process, on the switch itself.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from sandbox.process import ManagedProcess

SWITCH = "switch"
WORLD = "10.203.0.1"
"""Address of this process: of the chains, and of the buyers' host."""
NETWORK = "10.203.0.0/16"
_NOBODY = "02:00:00:00:00:01"  # a link address that no host has
_BUYERS = 200


def buyers() -> list[str]:
    """Addresses that buyers come from."""
    return [f"10.203.1.{number}" for number in range(1, _BUYERS + 1)]


@dataclass(frozen=True)
class NetHost:
    """A host with one interface, on the switch.

    Attributes:
        holder: process id of what keeps the namespace.
    """

    name: str
    address: str
    holder: int

    def command(self, command: Sequence[str]) -> list[str]:
        """The command that runs this one on the host."""
        return ["nsenter", f"--net=/proc/{self.holder}/ns/net", "--", *command]

    def processes(self) -> list[psutil.Process]:
        """What runs in its namespace, without the process that keeps it."""
        own = _namespace(self.holder)
        return [each for each in psutil.process_iter() if each.pid != self.holder and _namespace(each.pid) == own]

    def cut(self) -> None:
        """Part it from all others: nothing that it sends arrives, and nothing arrives at it. Nobody is told."""
        _run(["ip", "link", "set", self.name, "nomaster"])

    def join(self) -> None:
        """Take `cut` back."""
        _run(["ip", "link", "set", self.name, "master", SWITCH])

    def lose(self, other: "NetHost") -> None:
        """Part it from one other host only."""
        for one, two in ((self, other), (other, self)):
            _run(one.command(["ip", "neigh", "replace", two.address, "lladdr", _NOBODY, "dev", "eth0"]))

    def find(self, other: "NetHost") -> None:
        """Take `lose` back."""
        for one, two in ((self, other), (other, self)):
            _run(one.command(["ip", "neigh", "del", two.address, "dev", "eth0"]))


@contextmanager
def network(names: Sequence[str]) -> Iterator[dict[str, NetHost]]:
    """The hosts of these names (at most 15 characters), reachable by each other until the block ends."""
    with ExitStack() as stack:
        _run(["ip", "link", "set", "lo", "up"])
        _run(["ip", "link", "add", SWITCH, "type", "bridge"])
        _run(["ip", "link", "set", SWITCH, "up"])
        own = "".join(f"address add {address}/16 dev {SWITCH}\n" for address in (WORLD, *buyers()))
        subprocess.run(["ip", "-batch", "-"], input=own.encode(), check=True, timeout=20, capture_output=True)
        yield {name: _host(stack, name, f"10.203.0.{10 + number}") for number, name in enumerate(names)}


def _host(stack: ExitStack, name: str, address: str) -> NetHost:
    holder = stack.enter_context(ManagedProcess(f"host {name}", ["unshare", "--net", "--", "sleep", "infinity"]))
    holder.wait_until(lambda: _namespace(holder.pid) != _namespace("self"), 10)
    host = NetHost(name, address, holder.pid)
    _run(["ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid)])
    _run(["ip", "link", "set", name, "master", SWITCH, "up"])
    for device in (["lo"], ["eth0"]):
        _run(host.command(["ip", "link", "set", *device, "up"]))
    _run(host.command(["ip", "address", "add", f"{address}/16", "dev", "eth0"]))
    return host


def _namespace(process: int | str) -> str:
    try:
        return str(Path(f"/proc/{process}/ns/net").readlink())
    except OSError:
        return ""  # it has ended


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, timeout=20, capture_output=True)


def name_hosts(folder: Path, names: dict[str, list[str]]) -> None:
    """Let every process here find these addresses by name; a name may have several. For the private mounts only."""
    lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, found in names.items() for address in found)]
    file = folder / "hosts"
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o644)
    _run(["mount", "--bind", str(file), "/etc/hosts"])
