"""Starting a program inside a pod's network, and, where it is an application, confined.

Standard library only. Must not know what the program is to its pod.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from laneway.local.container import launcher
from laneway.local.netns import linux
from laneway.local.netns.ownership import Owner

KEPT = frozenset(
    {
        linux.CHOWN,
        linux.DAC_OVERRIDE,
        linux.FOWNER,
        linux.FSETID,
        linux.KILL,
        linux.SETGID,
        linux.SETUID,
        linux.NET_BIND_SERVICE,
    }
)
"""What root may still do: with files and users, nothing with networks, mounts or others' processes."""

_NOT_STARTED = 127


@dataclass(frozen=True, slots=True)
class Confinement:
    """What an application sees otherwise.

    hidden: folders that are empty for it, the first not of the system; files: text by absolute path, in place
    of what stands there; hostname: what the machine is called; root, mounts: its volumes, as in `launcher`.
    """

    hidden: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    hostname: str = ""
    root: str = ""
    mounts: Sequence[tuple[str, str, bool]] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """What to start. env: all of its variables; output: file descriptor of its standard output and error."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    output: int
    confinement: Confinement | None = None


def launch(program: Program, network: int, owner: Owner) -> int:
    """Start it in a session of its own; returns its pid when the program runs. Raises OSError."""
    failed, report = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        _become(program, network, owner, report)
    os.close(report)
    with os.fdopen(failed, "rb") as file:
        said = file.read()
    if said:
        os.waitpid(pid, 0)
        raise OSError(*json.loads(said))
    return pid


def _become(program: Program, network: int, owner: Owner, report: int) -> NoReturn:
    try:
        os.setsid()
        _connect(program.output)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
            signal.signal(number, signal.SIG_DFL)
        linux.enter(network, linux.NEW_NETWORK)
        if program.confinement:
            _confine(program.confinement)
        _give_up_power(owner)
        os.chdir(program.cwd)
        _execute(program)
    except OSError as error:
        os.write(report, json.dumps((error.errno, error.strerror, error.filename)).encode())
    finally:
        os._exit(_NOT_STARTED)


def _connect(output: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nothing, output, output)):
        os.dup2(descriptor, number)


def _confine(seen: Confinement) -> None:
    linux.unshare(linux.NEW_MOUNTS | linux.NEW_HOSTNAME)
    linux.mount("none", "/", flags=linux.RECURSIVE | linux.SLAVE)
    linux.set_hostname(seen.hostname)
    if seen.mounts:
        launcher.show(seen.root, list(seen.mounts))
        linux.change_root(seen.root)
    for folder in seen.hidden:
        if Path(folder).is_dir():
            linux.mount("laneway", folder, "tmpfs", linux.NO_SUID | linux.NO_DEVICES, "size=256k,mode=0755")
    for number, (path, text) in enumerate(seen.files.items()):
        if Path(path).exists():
            private = Path(seen.hidden[0]) / str(number)
            private.write_text(text)
            private.chmod(0o644)
            linux.mount(str(private), path, flags=linux.BIND)


def _give_up_power(owner: Owner) -> None:
    """After this nothing of what was done above can be undone or looked behind."""
    if owner.apart:
        linux.unshare(linux.NEW_USER)
        linux.map_user((owner.uid, owner.gid), (0, 0))
    else:
        linux.keep_capabilities(KEPT)
    linux.no_new_privileges()


def _execute(program: Program) -> None:
    """As a shell finds it. Raises OSError that names the program."""
    with suppress(FileNotFoundError):
        os.execvpe(program.argv[0], list(program.argv), dict(program.env))
    raise FileNotFoundError(2, os.strerror(2), program.argv[0])
