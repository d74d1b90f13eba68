"""The files of pods' volumes, in the state's directory: written before a pod starts, kept true while it runs.

Must not know how a container comes to see them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from laneway.local.container.references import Find, MissingValueError, field, values
from laneway.local.pod.pods import Pod
from laneway.spec.kubernetes import VolumeMount
from laneway.spec.kubernetes.volume import (
    ConfigMapVolume,
    DownwardApi,
    Projected,
    SecretProjection,
    SecretVolume,
    Volume,
)
from laneway.spec.meta import Key

_MODE = 0o644
_SECRET_MODE = 0o400
"""Kubernetes writes Secrets with 0644 too, but to a file system that only the container sees."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a volume."""

    data: bytes
    mode: int


@dataclass(frozen=True, slots=True)
class Mount:
    """What a container sees of this machine's files, and where."""

    source: Path
    target: str
    read_only: bool


_Chosen = ConfigMapVolume | SecretVolume | SecretProjection
"""What says which keys become files."""


class Volumes:
    """The volumes of all pods. folder: holds one folder for each pod, mode 0700."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def root(self, pod: Key) -> Path:
        """An empty folder, on which a container's view of the files may be mounted."""
        return self._of(pod) / ".root"

    def mounts(self, pod: Pod, find: Find) -> Sequence[Mount]:
        """Write the files of all volumes of a pod; what its container sees of them.

        Raises MissingValueError where a value is not there.
        """
        if not pod.container.volume_mounts:
            return ()
        self.root(pod.key).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._of(pod.key).chmod(0o700)
        for volume in pod.volumes:
            self._write(volume, pod, find)
        writable = {volume.name: volume.writable for volume in pod.volumes}
        return [self._mount(pod, each, writable[each.name]) for each in pod.container.volume_mounts]

    def _mount(self, pod: Pod, said: VolumeMount, writable: bool) -> Mount:
        source = self._of(pod.key) / said.name / said.sub_path
        if writable:
            source.mkdir(parents=True, exist_ok=True)
        elif not source.exists():
            raise MissingValueError(f"volume {said.name} has no {said.sub_path}: correct `subPath`")
        return Mount(source, said.mount_path, said.read_only or not writable)

    def update(self, pod: Pod, find: Find) -> None:
        """Bring the files of a running pod to the newest values; what is missing now stays as it was."""
        for volume in pod.volumes:
            if (self._of(pod.key) / volume.name).exists():
                try:
                    self._write(volume, pod, find)
                except MissingValueError:
                    continue

    def remove(self, pod: Key) -> None:
        """Delete a pod's files."""
        shutil.rmtree(self._of(pod), ignore_errors=True)

    def keep(self, pods: Iterable[Key]) -> None:
        """Delete the files of all other pods."""
        names = {self._of(pod).name for pod in pods}
        for folder in self._folder.glob("*"):
            if folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)

    def _of(self, pod: Key) -> Path:
        return self._folder / f"{pod.namespace}_{pod.name}"

    def _write(self, volume: Volume, pod: Pod, find: Find) -> None:
        folder = self._of(pod.key) / volume.name
        files = dict(contents(volume, pod, find))
        folder.mkdir(mode=0o755, exist_ok=True)
        if volume.writable:
            return
        for path, file in files.items():
            _replace(folder / path, file)
        for there in folder.rglob("*"):
            if not there.is_dir() and str(there.relative_to(folder)) not in files:
                there.unlink()


def contents(volume: Volume, pod: Pod, find: Find) -> Mapping[str, File]:
    """The files of a volume by their path in it. Raises MissingValueError."""
    if volume.config_map is not None:
        said = volume.config_map
        return _keys("ConfigMap", said.name, said, said.default_mode or _MODE, find)
    if volume.secret is not None:
        hidden = volume.secret
        return _keys("Secret", hidden.secret_name, hidden, hidden.default_mode or _SECRET_MODE, find)
    if volume.downward_api is not None:
        return _fields(volume.downward_api, pod, volume.downward_api.default_mode or _MODE)
    if volume.projected is not None:
        return dict(_projected(volume.projected, pod, find))
    return {}


def _projected(said: Projected, pod: Pod, find: Find) -> Iterator[tuple[str, File]]:
    for source in said.sources:
        if source.config_map is not None:
            shown = source.config_map
            yield from _keys("ConfigMap", shown.name, shown, said.default_mode or _MODE, find).items()
        if source.secret is not None:
            hidden = source.secret
            yield from _keys("Secret", hidden.name, hidden, said.default_mode or _SECRET_MODE, find).items()
        if source.downward_api is not None:
            yield from _fields(source.downward_api, pod, said.default_mode or _MODE).items()


def _keys(kind: str, name: str, said: _Chosen, mode: int, find: Find) -> dict[str, File]:
    found = values(kind, name, said.optional, find)
    if not said.items:
        return {key: File(value, mode) for key, value in found.items()}
    missing = [item.key for item in said.items if item.key not in found]
    if missing and not said.optional:
        raise MissingValueError(f"{kind} {name} has no key {', '.join(missing)}: add it, or `optional: true`")
    return {
        item.path: File(found[item.key], mode if item.mode is None else item.mode)
        for item in said.items
        if item.key in found
    }


def _fields(said: DownwardApi, pod: Pod, mode: int) -> dict[str, File]:
    return {
        item.path: File(
            field(pod, item.field_ref.field_path).encode(), mode if item.mode is None else item.mode
        )
        for item in said.items
    }


def _replace(path: Path, file: File) -> None:
    """Write a file as a whole: a reader sees the old one or the new one."""
    if path.exists() and path.read_bytes() == file.data:
        path.chmod(file.mode)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with open(new, "xb", opener=_private) as out:
        out.write(file.data)
    new.chmod(file.mode)
    new.replace(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
