"""The namespaces in which everything of a proof runs: its own network without a way out, its own processes and mounts.

The kernel ends all of them with their first process, kill -9 included, so nothing is left behind: no process, whether
frozen or not, no interface, no mount.
"""

import subprocess
import sys
from collections.abc import Sequence
from shutil import which

NAMESPACES = ("--net", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL")
PROGRAMS = ("setpriv", "unshare", "nsenter", "ip")


def missing(programs: Sequence[str] = PROGRAMS) -> str | None:
    """Why no proof can be run on this machine; None where it can."""
    if sys.platform != "linux":
        return "network namespaces exist on Linux only"
    for program in programs:
        if which(program) is None:
            return f"{program} is not installed (Debian: util-linux and iproute2)"
    trial = "ip link set lo up && ip link add trial type bridge"
    tried = subprocess.run(isolated(["sh", "-c", trial]), capture_output=True, text=True, check=False, timeout=20)
    if tried.returncode:
        return f"network namespaces are not permitted here, root is needed: {tried.stderr.strip() or 'unshare failed'}"
    return None


def isolated(command: Sequence[str]) -> list[str]:
    """The command that runs this one as the first process of namespaces of its own. All ends with the process that
    starts it. (`unshare` takes SIGTERM for a matter of the process that it has started, and lives on.)"""
    return ["setpriv", "--pdeathsig=KILL", "--", "unshare", *NAMESPACES, "--", *command]
