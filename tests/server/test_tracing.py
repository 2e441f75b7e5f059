"""Which rule of the kernel's forbids to read a process: each built for real, but for Yama, which few kernels have."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from tests.support.seccomp import forbid
from tests.support.users import NOBODY, as_nobody, be_dumpable, become, hide_others, keep_capabilities, waiting

from pyrometer.server import diagnosis, kernel, tracing

pytestmark = pytest.mark.needs("root")


def cause(pid: int, yama: Path = Path("/nowhere")) -> str:
    return tracing.forbidding(pid, yama).cause


def test_another_users_process() -> None:
    """Fault 3: whose it is, who we are, and how to look as that user."""
    with waiting() as pid:
        rule = as_nobody(lambda: "\n".join(tracing.forbidding(pid)))
    assert f"it belongs to user 0, and we are {NOBODY} without CAP_SYS_PTRACE" in rule
    assert f"ps -o ruid=,euid=,suid= -p {pid}" in rule
    assert "sudo setpriv --reuid 0" in rule


def test_a_user_that_it_can_go_back_to_counts() -> None:
    """The kernel asks for the real and the saved user too."""
    with waiting(partial(os.setresgid, NOBODY, NOBODY, NOBODY), partial(os.setresuid, NOBODY, NOBODY, 0)) as pid:
        assert "it belongs to user 0" in as_nobody(lambda: cause(pid))


def test_another_group() -> None:
    """The same user is not enough."""
    with waiting(partial(become, NOBODY, 1), partial(be_dumpable, yes=True)) as pid:
        assert "its group is 1, and ours is 65534" in as_nobody(lambda: cause(pid))


def test_a_process_that_changed_its_user() -> None:
    """Fault 87b: `gunicorn --user`, looked at as that user; and what it runs can't be seen for the same reason."""
    with waiting(partial(become, NOBODY)) as pid:
        assert "it is not dumpable: it changed its user" in as_nobody(lambda: cause(pid))
        checks = as_nobody(lambda: "; ".join(check.cause for check in diagnosis.diagnose(pid)))
    assert "what it runs can't be seen from here: it is not dumpable" in checks


def test_several_rules_are_all_named() -> None:
    """`gunicorn --user` alone leaves root's group: to have that too would not be enough."""
    with waiting(partial(become, NOBODY, 0)) as pid:
        rule = as_nobody(lambda: "\n".join(tracing.forbidding(pid)))
    assert "its group is 0, and ours is 65534; and it is not dumpable" in rule
    assert "sudo" in rule
    assert "setpriv" not in rule


def test_a_process_with_more_rights_than_we_have() -> None:
    """Capabilities count also where the user is the same."""
    steps = (keep_capabilities, partial(become, NOBODY), partial(be_dumpable, yes=True))
    with waiting(*steps) as pid:
        assert "it has capabilities that we lack" in as_nobody(lambda: cause(pid))


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (1, "by what started it only"),
        (2, "only who has CAP_SYS_PTRACE"),
        (3, "nobody may read another process, root neither"),
    ],
)
def test_yamas_scopes(tmp_path: Path, scope: int, said: str) -> None:
    """Fault 3: each scope has its own remedy; declared, for the kernel at hand may have no Yama."""
    yama = tmp_path / "ptrace_scope"
    yama.write_text(f"{scope}\n")
    tmp_path.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    with waiting(partial(become, NOBODY), partial(be_dumpable, yes=True)) as pid:
        rule = as_nobody(lambda: "\n".join(tracing.forbidding(pid, yama)))
    assert said in rule
    assert ("PYROMETER_OUTSIDE=1" in rule) is (scope == 1)
    assert ("pyrometer run" in rule) is (scope == 3)


def test_a_filter_on_us(tmp_path: Path) -> None:
    """Fault 3: a container's seccomp profile forbids the call, whoever's process it is; nothing else is to blame."""

    def filtered() -> str:
        forbid("process_vm_readv", "ptrace")
        return cause(pid)

    with waiting(partial(become, NOBODY), partial(be_dumpable, yes=True)) as pid:
        assert "a seccomp filter on us" in as_nobody(filtered)
        assert "seccomp" not in as_nobody(lambda: cause(pid))


@pytest.mark.needs("namespaces")
def test_a_process_that_proc_hides() -> None:
    """Fault 3: hidepid is told from a process that is not there."""

    def check() -> str:
        (found,) = diagnosis.diagnose(pid)
        return f"{found.name} {kernel.state_of(pid)!r} {found.cause}"

    with waiting() as pid:
        said = as_nobody(check, before=hide_others)
    assert said.startswith("visible ''")
    assert "hidepid" in said


def test_root_of_a_container_is_told_what_it_lacks() -> None:
    """Sudo adds nothing to who is root already."""

    def confined() -> None:
        said.append(tracing.forbidding(pid).remedy)

    said: list[str] = []
    with waiting(partial(become, NOBODY)) as pid:
        confined()
    assert "sudo" not in said[0]
    assert "--cap-add SYS_PTRACE" in said[0]
