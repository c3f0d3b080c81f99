"""A Slurm of one node on this machine: its own key, ports and folders, no accounting."""

import getpass
import os
import shutil
import socket
import subprocess
import time

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue")
SECONDS = 60  # for the node to come up

CONFIGURATION = """\
ClusterName=jaxrnn
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={controller}
SlurmdPort={daemon}
ReturnToService=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=test Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """The environment of a shell that uses the cluster. Skips where Slurm is not installed or not to be started."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: apt-get install slurm-wlm munge")
    if getpass.getuser() != "root":
        pytest.skip("only root can start slurmd")
    folder = tmp_path_factory.mktemp("slurm")
    for path in (folder, *folder.parents):
        path.chmod(path.stat().st_mode | 0o055) if path.owner() == "root" and len(path.parts) > 2 else None
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    controller, daemon = free_ports(2)
    host = socket.gethostname().partition(".")[0]
    words = {"host": host, "folder": folder, "controller": controller, "daemon": daemon, "cores": os.cpu_count()}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**words))
    environment = {"SLURM_CONF": str(folder / "slurm.conf")}
    munged = ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket"]
    munged += [f"--{name}-file={folder}/munged.{name}" for name in ("pid", "log", "seed")]
    daemons = []
    try:
        for command in (munged, ["slurmctld", "-D"], ["slurmd", "-D"]):
            with open(folder / f"{command[0]}.log", "w") as log:
                daemons.append(subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log))
            time.sleep(1)
        _wait_until_idle(environment, folder)
        yield environment
    finally:
        for process in reversed(daemons):
            process.terminate()
            process.wait(timeout=60)


def _wait_until_idle(environment, folder):
    for _ in range(SECONDS):
        state = ["sinfo", "--noheader", "--format=%T"]
        done = subprocess.run(state, env={**os.environ, **environment}, capture_output=True, text=True)
        if done.stdout.strip() == "idle":
            return
        time.sleep(1)
    logs = "\n".join(path.read_text()[-1000:] for path in folder.glob("*.log"))
    pytest.skip(f"Slurm's daemons do not run on this machine: {done.stdout}{done.stderr}\n{logs}")
