from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pyrometer.guard import policy
from pyrometer.guard.policy import Policy, PolicyUnreadable, glob_match, load, parse

WHOLE = """
enabled = true
values = "shape"
peers = "pod"
outside = true
audit = "none"
[roles]
"oncall@example.org" = "inspect"
[forbid]
modules = ["shop.vault*"]
verbs = ["log"]
[redact]
names = ["patient_id"]
patterns = ['\\bACME-\\d{6}\\b']
[limits]
cpu_share = 0.02
hits = 10
ttl = "1h"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A place for a policy that only its owner can write to."""
    folder = tmp_path / "policy"
    folder.mkdir(mode=0o755)
    for above in (tmp_path, *tmp_path.parents[:-2]):
        if above.stat().st_uid == os.geteuid() and not above.stat().st_mode & stat.S_ISVTX:
            above.chmod(above.stat().st_mode & ~0o022)
    return folder / "policy.toml"


def written(path: Path, text: str, mode: int = 0o644) -> dict[str, str]:
    """Write a policy and name it, as an environment does."""
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return {"PYROMETER_POLICY": str(path)}


def test_the_whole_form_is_read(path: Path) -> None:
    """Every key of the form that the documentation shows has its field."""
    assert load(written(path, WHOLE)) == Policy(
        values="shape",
        peers="pod",
        outside=True,
        audit="none",
        roles={"oncall@example.org": "inspect"},
        forbidden_modules=("shop.vault*",),
        forbidden_verbs=("log",),
        redact_names=("patient_id",),
        redact_patterns=(r"\bACME-\d{6}\b",),
        cpu_share=0.02,
        max_hits=10,
        max_ttl=3600.0,
    )


def test_what_is_absent_has_its_default(path: Path) -> None:
    """An empty file is a policy that changes nothing."""
    assert load(written(path, "")) == Policy()


def test_it_is_read_anew_each_time(path: Path) -> None:
    """An owner who turns us off does not restart the service for it."""
    environ = written(path, "enabled = true")
    assert load(environ).enabled
    written(path, "enabled = false")
    assert not load(environ).enabled


@pytest.mark.parametrize("value", ["1", "true", "yes", "on", " 1 "])
def test_the_environment_turns_everything_off(value: str) -> None:
    """PYROMETER_DISABLE wins over a policy, even over one that can't be read."""
    assert not load({"PYROMETER_DISABLE": value, "PYROMETER_POLICY": "/nowhere"}).enabled


@pytest.mark.parametrize("value", ["", "0", "false", "no"])
def test_a_denial_turns_nothing_off(value: str, path: Path) -> None:
    """`PYROMETER_DISABLE=0` is what people write to mean that."""
    assert load({"PYROMETER_DISABLE": value, **written(path, "")}).enabled


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("enabeld = true", "enabeld"),
        ("[limits]\nhitz = 1", "limits.hitz"),
        ("[limit]\nhits = 1", "limit"),
        ("[forbid]\nverb = ['log']", "forbid.verb"),
        ("enabled = 1", "enabled"),
        ("enabled = 'false'", "enabled"),
        ("values = 'none'", "values"),
        ("peers = 'all'", "peers"),
        ("audit = true", "audit"),
        ("roles = 'admin'", "roles"),
        ("[roles]\nbob = 'root'", "roles.bob"),
        ("forbid = ['x']", "forbid"),
        ("[forbid]\nverbs = ['snpa']", "forbid.verbs"),
        ("[forbid]\nmodules = 'shop'", "forbid.modules"),
        ("[redact]\nnames = [1]", "redact.names"),
        ("[redact]\nnames = ['']", "redact.names"),
        ("[redact]\npatterns = ['(']", "redact.patterns"),
        ("[redact]\npatterns = ['(a+)+']", "redact.patterns"),
        ("[limits]\ncpu_share = 2", "limits.cpu_share"),
        ("[limits]\ncpu_share = true", "limits.cpu_share"),
        ("[limits]\ncpu_share = nan", "limits.cpu_share"),
        ("[limits]\nhits = 0", "limits.hits"),
        ("[limits]\nttl = '2d'", "limits.ttl"),
        ("[limits]\nttl = 'soon'", "limits.ttl"),
        ("enabled = true\nenabled = false", "not TOML"),
        ("enabled", "not TOML"),
    ],
)
def test_what_is_not_understood_serves_nobody(text: str, named: str, path: Path) -> None:
    """A rule that was misspelt must not be lost in silence: the message names it."""
    with pytest.raises(PolicyUnreadable, match=named) as refusal:
        load(written(path, text))
    assert refusal.value.reason == "POLICY_UNREADABLE"


@pytest.mark.parametrize("data", [b"\xff", b"\0", b"a = " + b"[" * 100_000])
def test_garbage_is_refused_whole(data: bytes) -> None:
    """Fault 86: whatever is in the file, it is a refusal, not a crash."""
    with pytest.raises(PolicyUnreadable):
        parse(data, "policy.toml")


def test_a_file_too_large_is_refused(path: Path) -> None:
    """Nobody writes a policy of megabytes."""
    with pytest.raises(PolicyUnreadable, match="larger"):
        load(written(path, "#" * (policy.MAX_SIZE + 1)))


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_can_write_is_refused(mode: int, path: Path) -> None:
    """Fault 86: who can write the policy owns it."""
    with pytest.raises(PolicyUnreadable, match="written to by others"):
        load(written(path, "", mode))


def test_a_file_in_a_folder_that_others_can_write_is_refused(path: Path) -> None:
    """Fault 86: who can rename in the folder can put another file in its place."""
    environ = written(path, "")
    path.parent.chmod(0o777)
    with pytest.raises(PolicyUnreadable, match="can be replaced"):
        load(environ)
    path.parent.chmod(0o1777)
    assert load(environ) == Policy()


def test_a_file_of_somebody_else_is_refused(path: Path) -> None:
    """Fault 86: it must be root's, or his who runs the service."""
    environ = written(path, "")
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    with pytest.raises(PolicyUnreadable, match="belongs to uid"):
        load(environ, euid=54321)
    if os.geteuid() == 0:
        with pytest.raises(PolicyUnreadable, match="belongs to uid 12345"):
            load(environ, euid=0)


def test_a_link_is_followed_and_its_target_checked(path: Path) -> None:
    """Kubernetes mounts files as links; what counts is what is read."""
    written(path, "values = 'shape'", 0o666)
    link = path.with_name("link.toml")
    link.symlink_to(path)
    environ = {"PYROMETER_POLICY": str(link)}
    with pytest.raises(PolicyUnreadable):
        load(environ)
    path.chmod(0o644)
    assert load(environ).values == "shape"


def test_what_is_no_file_is_refused(path: Path) -> None:
    """A FIFO would keep the agent waiting for ever."""
    os.mkfifo(path)
    for place in (path, path.parent):
        with pytest.raises(PolicyUnreadable, match="regular file"):
            load({"PYROMETER_POLICY": str(place)})


def test_a_named_file_must_be_there(path: Path) -> None:
    """An owner who named a policy wanted one; without a name, none is fine."""
    with pytest.raises(PolicyUnreadable, match="does not exist"):
        load({"PYROMETER_POLICY": str(path)})
    if not Path(policy.DEFAULT_PATH).exists():
        assert load({}) == Policy()


def test_after_a_chroot_the_rules_stay(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 87b: a service that locks itself in must not lose its policy by it."""
    environ = written(path, "values = 'shape'")
    load(environ)
    path.unlink()
    with pytest.raises(PolicyUnreadable):
        load(environ)
    monkeypatch.setattr(policy, "_ROOT", (0, 0))
    assert load(environ).values == "shape"


def test_toml_is_loaded_only_where_there_may_be_a_policy(path: Path) -> None:
    """What most services don't need costs them nothing; after a chroot nothing could be imported."""
    program = (
        "import sys; from pyrometer.guard import policy; "
        "policy.DEFAULT_PATH = '/nowhere/policy.toml'; policy.load(); print('tomllib' in sys.modules)"
    )
    for environ, expected in (({}, "False"), (written(path, ""), "True")):
        outcome = subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, **environ}, capture_output=True, text=True, check=True
        )
        assert outcome.stdout.strip() == expected


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("shop", "shop"),
        ("shop.*", "shop"),
        ("shop.*", "shop.cart"),
        ("shop.*", "shop.cart.lines"),
        ("shop.vault*", "shop.vault"),
        ("shop.vault*", "shop.vaults.x"),
        ("*", "anything.at.all"),
        ("*", ""),
        ("*.cart", "shop.cart"),
        ("s*p.*t", "shop.cart"),
        ("*.views.*", "shop.views"),
        ("a*a", "aa"),
        ("a*b*a", "a.b.b.a"),
    ],
)
def test_a_pattern_matches(pattern: str, name: str) -> None:
    """`*` stands for anything, dots included; a package is part of what is below it."""
    assert glob_match(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("shop", "shop.cart"),
        ("shop", "shops"),
        ("shop.*", "shopping"),
        ("shop.*", "myshop.cart"),
        ("*.cart", "cart"),
        ("a*a", "a"),
        ("a*b*a", "aa"),
        ("", "x"),
        ("shop.vault*", "shop.cart"),
        ("[s]hop", "shop"),
    ],
)
def test_a_pattern_does_not_match(pattern: str, name: str) -> None:
    """What is not written is not meant."""
    assert not glob_match(pattern, name)


def test_forbidden_modules_are_patterns() -> None:
    """The policy answers for a module's name."""
    strict = Policy(forbidden_modules=("shop.vault*", "billing.*"))
    assert strict.forbids_module("shop.vault.keys")
    assert strict.forbids_module("billing")
    assert not strict.forbids_module("shop.cart")
