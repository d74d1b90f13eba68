"""Running beside a replica: in real namespaces, as root of this machine and without."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import laneway
from laneway.local.container import mounting
from laneway.local.netns import client

BEGIN = """
import json, os, signal, sys
sys.path.insert(0, {package!r})
from ipaddress import IPv4Address
from laneway.local.container import launcher
from laneway.local.process import entering
from laneway.local.netns import launch, ownership, pod_network
ready, report = os.pipe()
def replica():
    os.chdir({folder!r})
    mounts = [({folder!r} + "/source", "/etc/laneway-test", True)]
    root = {folder!r} + "/root"
"""

OWN_NETWORK = """
    owner = ownership.become()
    network = pod_network.make(IPv4Address("10.244.1.0"))
    seen = launch.Confinement(["/mnt"], {"/etc/hosts": "10.244.1.0 pod\\n"}, "pod", root, mounts)
    env = {"PATH": os.environ["PATH"], "COLOR": "green"}
    pid = launch.launch(launch.Program(["sleep", "60"], env, os.getcwd(), 2, seen), network, owner)
    os.write(report, str(pid).encode())
"""

SHARED_NETWORK = """
    pid = os.getpid()
    os.set_inheritable(report, True)
    launcher.main(root, json.dumps(mounts), "sh", "-c", f"echo {pid} >&{report}; exec sleep 60")
"""

BESIDE = """
if os.fork() == 0:
    replica()
    os._exit(0)
pid = int(os.read(ready, 16))
if (beside := os.fork()) == 0:
    try:
        entering.become({argv!r}, pid, {{"PATH": os.environ["PATH"]}})
    except OSError as error:
        print(error, flush=True)
    os._exit(9)
status = os.waitstatus_to_exitcode(os.waitpid(beside, 0)[1])
os.kill(pid, signal.SIGKILL)
sys.exit(status)
"""

SEE = "hostname; pwd; cat /etc/laneway-test/color; cat /etc/hosts | tail -1; id -u; mount -t tmpfs none /mnt"


def beside(folder: Path, replica: str, argv: list[str], *, rootless: bool) -> tuple[int, list[str]]:
    """The exit code and what a program says that runs beside this replica."""
    (folder / "source").mkdir()
    (folder / "source" / "color").write_text("green\n")
    (folder / "root").mkdir()
    for each in (folder, folder / "root"):
        each.chmod(0o777)
    package = str(Path(laneway.__file__).parent.parent)
    script = BEGIN.format(package=package, folder=str(folder)) + replica + BESIDE.format(argv=argv)
    before = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"] if rootless else []
    command = [*before, sys.executable, "-I", "-S", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.mark.parametrize("rootless", [False, True])
def test_in_a_network_of_its_own_a_program_sees_what_the_replica_sees_and_may_no_more(
    tmp_path: Path, rootless: bool
) -> None:
    """Name, names of others, folder, volumes; and no power over mounts."""
    assert client.tried() is None
    code, said = beside(tmp_path, OWN_NETWORK, ["sh", "-c", SEE], rootless=rootless)
    uid = "1000" if rootless else "0"
    assert said[:5] == ["pod", str(tmp_path), "green", "10.244.1.0 pod", uid], said
    assert code != 0, "its exit code is the mount's, which is refused"


@pytest.mark.skipif(bool(mounting.refusal()), reason=f"not here: {mounting.refusal()}")
@pytest.mark.parametrize("rootless", [False, True])
def test_in_the_shared_network_a_program_sees_the_replicas_volumes(tmp_path: Path, rootless: bool) -> None:
    """Which this machine's other programs do not; its exit code is its own."""
    argv = ["sh", "-c", "pwd; cat /etc/laneway-test/color; exit 7"]
    assert beside(tmp_path, SHARED_NETWORK, argv, rootless=rootless) == (7, [str(tmp_path), "green"])
    assert not Path("/etc/laneway-test").exists()


def test_a_replica_that_has_ended_is_not_there() -> None:
    """Told as an OSError, which the command turns into words."""
    script = f"import sys; sys.path.insert(0, {str(Path(laneway.__file__).parent.parent)!r})\n"
    script += "from laneway.local.process import entering\n"
    script += f"entering.become({json.dumps(['true'])}, 2**22 + 1, {{}})"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False
    )
    assert "FileNotFoundError" in done.stderr
