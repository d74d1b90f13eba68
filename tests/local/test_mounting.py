"""Files at other paths, for one process: real mounts, as root and as anybody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from laneway.local.container import launcher, mounting
from laneway.local.container.mounting import prefix
from laneway.local.container.references import CannotStartError
from laneway.local.container.volumes import Mount

pytestmark = pytest.mark.skipif(bool(mounting.refusal()), reason=f"not here: {mounting.refusal()}")

PLACE = "/etc/laneway-test/deep/config"
"""Not there, nor is the folder above it."""


def sees(tmp_path: Path, mounts: Sequence[Mount], script: str) -> tuple[str, str]:
    """What a shell prints that sees these mounts."""
    root = tmp_path / "root"
    root.mkdir(exist_ok=True)
    argv = [*prefix(root, mounts), "sh", "-c", script]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


def test_a_folder_is_seen_at_a_path_that_there_is_not(tmp_path: Path) -> None:
    """With everything else as it is, the working directory too; outside there is nothing of it."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "color").write_text("green\n")
    out, err = sees(
        tmp_path,
        [Mount(source, PLACE, read_only=True)],
        f"cat {PLACE}/color; pwd; touch {PLACE}/new; ls /etc/hostname",
    )
    assert out == f"green\n{tmp_path}\n/etc/hostname\n"
    assert "Read-only file system" in err
    assert not Path("/etc/laneway-test").exists()


def test_a_file_hides_one_that_is_there(tmp_path: Path) -> None:
    """And what is written goes to the source, while it may be written."""
    source = tmp_path / "motd"
    source.write_text("ours\n")
    out, _ = sees(
        tmp_path, [Mount(source, "/etc/passwd", read_only=False)], "cat /etc/passwd; echo more >> /etc/passwd"
    )
    assert out == "ours\n"
    assert source.read_text() == "ours\nmore\n"


def test_a_running_program_sees_a_new_file_in_its_folder(tmp_path: Path) -> None:
    """Since files are replaced inside the folder that it sees."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "color").write_text("green\n")
    (tmp_path / "root").mkdir()
    argv = [
        *prefix(tmp_path / "root", [Mount(source, PLACE, read_only=True)]),
        "sh",
        "-c",
        f"read x; cat {PLACE}/color",
    ]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        (source / "new").write_text("red\n")
        (source / "new").replace(source / "color")
        assert running.communicate("go\n")[0] == "red\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_nobody_in_particular_may_do_it_too() -> None:
    """In a user namespace, in which he is himself."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        root, script = place / "root", place / "launcher.py"
        root.mkdir()
        os.chown(root, 65534, 65534)
        shutil.copy(launcher.__file__, script)
        argv = [
            "/usr/bin/env",
            "python3",
            "-I",
            "-S",
            str(script),
            str(root),
            f'[["/etc/hostname", "{PLACE}", true]]',
        ]
        done = subprocess.run(
            [*argv, "sh", "-c", f"id -u; cat {PLACE}"],
            user=65534, group=65534, extra_groups=[], cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.stdout == "65534\n" + Path("/etc/hostname").read_text(), done.stderr


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    """As a shell does."""
    argv = [sys.executable, "-I", "-S", launcher.__file__, str(tmp_path), "[]", "/no/such"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (127, "laneway: /no/such: No such file or directory\n")


def test_where_it_is_not_allowed_the_pod_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without volumes it does not matter."""
    monkeypatch.setattr(mounting, "refusal", lambda: "Operation not permitted: unshare")
    assert prefix(tmp_path, []) == ()
    with pytest.raises(
        CannotStartError, match=r"\(Operation not permitted: unshare\): allow user namespaces"
    ):
        prefix(tmp_path, [Mount(tmp_path, "/x", read_only=True)])
