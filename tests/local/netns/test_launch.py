"""Programs inside a pod's real network, as root of this machine and without."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import laneway
from laneway.local.netns import client

SCRIPT = """
import json, os, sys
sys.path.insert(0, {package!r})
from ipaddress import IPv4Address
from laneway.local.netns import launch, ownership, pod_network
owner = ownership.become()
network = pod_network.make(IPv4Address("10.244.1.0"))
read, write = os.pipe()
confined = launch.Confinement(hidden=[{hidden!r}], files={{"/etc/hosts": "10.244.1.0 pod"}}, hostname="pod")
program = launch.Program(json.loads({argv!r}), dict(os.environ), "/", write, confined)
try:
    pid = launch.launch(program, network, owner)
except OSError as error:
    print(json.dumps([error.errno, error.filename]))
else:
    os.close(write)
    with os.fdopen(read) as said:
        print(json.dumps(said.read()))
    os.waitpid(pid, 0)
print(json.dumps(sorted(name for name in sys.modules if name.split(".")[0] not in sys.stdlib_module_names)))
"""


def launched(hidden: Path, argv: list[str], *, rootless: bool = False) -> list[Any]:
    """What a program says, and which modules outside the standard library the helper needs."""
    package = str(Path(laneway.__file__).parent.parent)
    script = SCRIPT.format(package=package, hidden=str(hidden), argv=json.dumps(argv))
    before = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"] if rootless else []
    done = subprocess.run(
        [*before, sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("rootless", [False, True])
def test_a_program_is_confined_to_its_pod(tmp_path: Path, rootless: bool) -> None:
    """Its own interface, names and host name; no sight of the mesh's sockets; no power over its network."""
    assert client.tried() is None
    (tmp_path / "secret.sock").touch()
    script = f"hostname; cat /etc/hosts; echo; ls {tmp_path}; id -u; mount -t tmpfs none /mnt || echo refused"
    said, modules = launched(tmp_path, ["sh", "-c", script], rootless=rootless)
    assert said.startswith("pod\n10.244.1.0 pod\n")
    assert "secret.sock" not in said
    assert said.endswith("refused\n")
    assert ("1000" if rootless else "0") in said.splitlines()
    assert all(name.split(".")[0] in ("laneway", "__main__") for name in modules), modules


def test_a_program_that_there_is_not_is_named(tmp_path: Path) -> None:
    (failure, _) = launched(tmp_path, ["/no/such/program"])
    assert failure == [2, "/no/such/program"]
