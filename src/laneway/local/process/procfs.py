"""What Linux tells of processes and sockets under /proc. Reads only; must not know Laneway's own marks.

Source: proc_pid_stat(5), proc_pid_net(5).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_LISTEN = "0A"
_CHUNK_BYTES = 16 * 1024
_V4_MAPPED = "0000000000000000FFFF0000"


@dataclass(frozen=True, slots=True)
class Stat:
    """A process. started: clock ticks since boot, which with the pid names it; session: its leader's pid.

    cpu_ticks: time on a CPU, that of the children it has waited for included.
    """

    pid: int
    parent: int
    session: int
    cpu_ticks: int
    started: int
    zombie: bool


@cache
def boot() -> str:
    """Names this boot of the machine."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def pids() -> Iterator[int]:
    """Every process of this machine's pid namespace."""
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def stat(pid: int) -> Stat | None:
    """A process, None where there is none."""
    data = _read(f"/proc/{pid}/stat")
    if not data:
        return None
    fields = data.rpartition(b")")[2].split()  # the name before it may hold anything
    return Stat(
        pid=pid,
        parent=int(fields[1]),
        session=int(fields[3]),
        cpu_ticks=sum(map(int, fields[11:15])),
        started=int(fields[19]),
        zombie=fields[0] in (b"Z", b"X"),
    )


def memory_bytes(pid: int) -> int:
    """Memory of a process, pages that it shares divided by their sharers (PSS); 0 where there is none."""
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def environment(pid: int) -> dict[str, str]:
    """The variables that a process was started with; empty for a zombie, or where it is not ours to read."""
    data = _read(f"/proc/{pid}/environ")
    pairs = (item.partition("=") for item in data.decode(errors="replace").split("\0") if item)
    return {name: value for name, _, value in pairs}


def network(pid: int) -> int | None:
    """Names the network that a process is in; None where it has ended or is not ours to ask."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino  # noqa: PTH116 - many are asked at a time
    except OSError:
        return None


def listening() -> set[tuple[str, int]]:
    """IPv4 addresses and ports of this network namespace on which someone listens, whoever that is."""
    return {
        place
        for table in ("tcp", "tcp6")
        for line in _lines(_PROC / "net" / table)
        if (place := _listener(line.split()))
    }


def _read(path: str) -> bytes:
    """A file of a process, empty where that is gone or not ours to read. Many are read at a time: no Path."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
    try:
        chunks = list(iter(lambda: os.read(file, _CHUNK_BYTES), b""))
    except ProcessLookupError:
        return b""
    finally:
        os.close(file)
    return b"".join(chunks)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()[1:] if path.exists() else []


def _listener(fields: list[str]) -> tuple[str, int] | None:
    address, _, port = fields[1].removeprefix(_V4_MAPPED).partition(":")
    if fields[3] != _LISTEN or len(address) != 8:
        return None
    return socket.inet_ntoa(struct.pack("=I", int(address, 16))), int(port, 16)
