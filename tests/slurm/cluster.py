"""A SLURM of one node, this machine, on its loopback: for tests, and to try things out.

Usage: python tests/slurm/cluster.py FOLDER
Prints the line that lets ``sbatch`` and ``squeue`` find it, and runs until it is interrupted. Wants Debian's packages
``slurm-wlm`` and ``munge``, and root to start it. All its files are in FOLDER; the system's settings are not read.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
READY_S = 60
"""How long the node may take to be idle."""

_CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
SlurmdUser=root
SlurmctldPort={port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=sched_interval=1,bf_interval=1
JobAcctGatherType=jobacct_gather/none
KillWait=3
MinJobAge=300
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=test Nodes={host} Default=YES MaxTime=60 State=UP
"""


def missing() -> list[str]:
    """Programs that are not installed."""
    return [name for name in PROGRAMS if not _program(name)]


@contextmanager
def cluster(folder: Path, cpus: int = 4) -> Iterator[dict[str, str]]:
    """Run a cluster; give the environment variables of its users.

    Parameters
    ----------
    folder : Path
        For its files; its path has to be short, as sockets lie in it.
    cpus : int
        How many the node says it has.

    Raises
    ------
    RuntimeError
        It does not get ready.
    """
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    environment = {"SLURM_CONF": str(folder / "slurm.conf")}
    (folder / "slurm.conf").write_text(_configuration(folder, cpus))
    with ExitStack() as stack:
        stack.enter_context(_munge(folder))
        for name in ("slurmctld", "slurmd"):
            stack.enter_context(_daemon([_program(name), "-D"], folder / f"{name}.out", environment))
        _wait_until_idle(environment, folder)
        try:
            yield environment
        finally:
            _run(["scancel", "--state=PENDING"], environment)
            _run(["scancel", "--state=RUNNING"], environment)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _configuration(folder: Path, cpus: int) -> str:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20 - 512
    host, (port, node_port) = socket.gethostname().split(".")[0], _free_ports(2)
    return _CONFIGURATION.format(host=host, folder=folder, port=port, node_port=node_port, cpus=cpus, memory=memory)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def _munge(folder: Path) -> Iterator[None]:
    """Run munge with a key of its own."""
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    files = {"key-file": key, "socket": "munge.socket", "pid-file": "munge.pid", "seed-file": "munge.seed"}
    options = [f"--{option}={folder / name}" for option, name in files.items()]
    with _daemon([_program("munged"), "--foreground", "--force", *options], folder / "munged.out", {}):
        yield


@contextmanager
def _daemon(command: list[str | None], log: Path, environment: dict[str, str]) -> Iterator[None]:
    with open(log, "wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | environment)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _run(command: list[str], environment: dict[str, str]) -> str:
    answer = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    return answer.stdout


def _wait_until_idle(environment: dict[str, str], folder: Path) -> None:
    end = time.monotonic() + READY_S
    while "idle" not in _run(["sinfo", "--noheader", "--format=%t"], environment):
        if time.monotonic() > end:
            logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in sorted(folder.glob("*.[lo][ou][gt]")))
            raise RuntimeError(f"SLURM is not ready after {READY_S} s\n{logs}")
        time.sleep(0.2)


def main() -> None:
    """Run a cluster until Ctrl-C."""
    with cluster(Path(sys.argv[1]).absolute()) as environment:
        print(*(f"export {name}={value}" for name, value in environment.items()), sep="\n", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
