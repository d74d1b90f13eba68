"""What an application finds in its pod instead of the machine's files. Reads the machine's; writes nothing.

As in Kubernetes: the search list and `ndots:5` (policy `ClusterFirst`), `/etc/hosts` with the pod's own name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from laneway.local.netns.dns import ZONE
from laneway.local.network.networks import Start
from laneway.local.pod.pods import Pod

_NAME_SERVICE = Path("/etc/nsswitch.conf")
_CACHES = ("/run/nscd", "/var/run/nscd", "/run/systemd/resolve")
"""Where programs ask for names past the resolver."""


def confinement(pod: Pod, start: Start, run: Path) -> dict[str, Any]:
    """The fields of a `launch.Confinement` for a program. run: the folder of the mesh's sockets."""
    files = {
        "/etc/hosts": hosts(pod.pod_ip, pod.key.name),
        "/etc/resolv.conf": resolv_conf(pod.key.namespace),
    }
    if _NAME_SERVICE.exists():
        files[str(_NAME_SERVICE)] = name_service(_NAME_SERVICE.read_text())
    return {
        "hidden": [str(run), *_CACHES],
        "files": files,
        "hostname": pod.key.name,
        "root": str(start.root),
        "mounts": [(str(mount.source), mount.target, mount.read_only) for mount in start.mounts],
    }


def hosts(address: str, name: str) -> str:
    """/etc/hosts."""
    return f"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n{address}\t{name}\n"


def resolv_conf(namespace: str) -> str:
    """/etc/resolv.conf."""
    search = f"{namespace}.svc.{ZONE} svc.{ZONE} {ZONE}"
    return f"search {search}\nnameserver 127.0.0.1\noptions ndots:5 timeout:2\n"


def name_service(text: str) -> str:
    """/etc/nsswitch.conf with hosts looked up in /etc/hosts and asked of the resolver, of nobody else."""
    lines = [line for line in text.splitlines() if line.split(":")[0].strip() != "hosts"]
    return "\n".join([*lines, "hosts: files dns", ""])
