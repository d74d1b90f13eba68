"""What /proc tells."""

from __future__ import annotations

import os
import socket
import subprocess

from laneway.local.process import procfs


def test_a_process_is_known_by_pid_and_start() -> None:
    """Whatever its name is; it is ours from the start of the session that it leads."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        assert process.pid in set(procfs.pids())
        stat = procfs.stat(process.pid)
        me = procfs.stat(os.getpid())
        process.kill()
    assert stat is not None
    assert me is not None
    assert (stat.session, stat.zombie) == (process.pid, False)
    assert stat.started >= me.started
    assert procfs.stat(process.pid) is None


def test_a_dead_child_that_nobody_awaited_is_a_zombie() -> None:
    """It runs no more, and has no environment."""
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        stat = procfs.stat(process.pid)
        assert stat is not None
        assert stat.zombie
        assert procfs.environment(process.pid) == {}


def test_the_environment_is_what_a_process_was_started_with() -> None:
    """Values may hold `=` and line ends."""
    env = {"A": "x=y", "B": "two\nlines", "EMPTY": ""}
    command = ["sh", "-c", "echo up; read line"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert procfs.environment(process.pid) == env
        process.kill()
    assert procfs.environment(process.pid) == {}


def test_listeners_are_seen_with_their_addresses() -> None:
    """Also those of an IPv6 socket that takes IPv4; other sockets are not listeners."""
    mapped = socket.socket(socket.AF_INET6)
    with socket.create_server(("127.200.1.2", 0)) as plain, mapped, socket.socket() as bound:
        mapped.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        mapped.bind(("::ffff:127.200.1.3", 0))
        mapped.listen()
        bound.bind(("127.200.1.4", 0))
        found = procfs.listening()
        assert plain.getsockname() in found
        assert ("127.200.1.3", mapped.getsockname()[1]) in found
        assert not [address for address, _ in found if address == "127.200.1.4"]


def test_processes_in_one_network_have_one_name_for_it() -> None:
    """Ours is that of our child; nobody's is nothing."""
    with subprocess.Popen(["sleep", "60"]) as child:
        apart = subprocess.run(
            ["unshare", "--net", "readlink", "/proc/self/ns/net"], check=True, capture_output=True, text=True
        )
        assert procfs.network(child.pid) == procfs.network(os.getpid())
        assert str(procfs.network(os.getpid())) not in apart.stdout
        child.kill()
    assert procfs.network(child.pid) is None
