"""Which networks pods get: one for all, or each its own; asked for, kept, or found out. Pure.

Must not know how networks are made.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from laneway.control import status


class Mode(StrEnum):
    """Where pods run: in the machine's network on loopback addresses, or each in a network of its own."""

    LOOPBACK = "loopback"
    NAMESPACES = "namespaces"


AUTO = "auto"
"""Asked for in place of a mode: namespaces where the machine lets this user make them, else loopback."""

DEFAULT = Mode.LOOPBACK


@dataclass(frozen=True, slots=True)
class Isolation:
    """A mode, and why it is this one, in words."""

    mode: Mode
    why: str

    def status(self) -> status.Isolation:
        """For the status document."""
        return status.Isolation(mode=self.mode.value, why=self.why)


@dataclass(frozen=True, slots=True)
class Impossible:
    """What keeps pods from networks of their own, and what to do about it, in words."""

    text: str
    remedy: str


def forbidden(step: str, code: int) -> Impossible:
    """What it is where this user cannot do a step. code: its errno."""
    name = errno.errorcode.get(code, code)
    remedy = _REMEDIES.get(code, "run it where the kernel allows this")
    return Impossible(f"this user may not {step}: {os.strerror(code).lower()} ({name})", remedy)


_REMEDIES: Mapping[int, str] = {
    errno.EPERM: "run it as root, or allow user namespaces (a container's seccomp profile, "
    "kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)",
    errno.EACCES: "run it as root, or allow user namespaces to be used (AppArmor, SELinux)",
    errno.ENOSPC: "raise user.max_user_namespaces and user.max_net_namespaces (sysctl)",
    errno.EUSERS: "raise user.max_user_namespaces (sysctl)",
    errno.ENOENT: "load the kernel's modules nf_tables, nft_redir and nft_chain_nat",
    errno.EOPNOTSUPP: "load the kernel's modules nf_tables, nft_redir and nft_chain_nat",
    errno.EPROTONOSUPPORT: "load the kernel's modules nf_tables, nft_redir and nft_chain_nat",
}


class IsolationError(Exception):
    """The isolation that is asked for cannot be had. remedy: what to do."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.remedy = remedy


def decide(
    asked: str | None, kept: Isolation | None, running: bool, trial: Callable[[], Impossible | None]
) -> Isolation:
    """The isolation of a state. Raises IsolationError.

    asked: a mode or AUTO; kept: what it had; running: whether pods still run in it; trial: tries to make
    networks.
    """
    wanted = asked or (kept.mode if kept else DEFAULT)
    if running and kept is not None:
        if wanted in (AUTO, kept.mode):
            return kept
        raise IsolationError(
            f"pods of this state run with isolation {kept.mode}, and cannot move to {wanted} while they run",
            "end them first: laneway down --keep",
        )
    why = "asked for" if asked else kept.why if kept else "the default"
    if wanted == Mode.LOOPBACK:
        return Isolation(Mode.LOOPBACK, why)
    found = trial()
    if wanted == AUTO:
        return _best(found)
    if found is not None:
        text = f"isolation namespaces is not possible here: {found.text}"
        raise IsolationError(text, f"{found.remedy}; or take `--isolation loopback`")
    return Isolation(Mode.NAMESPACES, why)


def _best(found: Impossible | None) -> Isolation:
    if found is None:
        return Isolation(Mode.NAMESPACES, "auto: this machine lets this user make networks")
    return Isolation(Mode.LOOPBACK, f"auto: {found.text}")
