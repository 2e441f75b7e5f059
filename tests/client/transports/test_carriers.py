"""ssh, docker, podman and kubectl: their command lines, and their messages as they were seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrometer.client.errors import ClientError, UsageFault
from pyrometer.client.targets import ContainerTarget, PodTarget, RemoteOptions, SshTarget, parse_target
from pyrometer.client.transports import StartFailure, Transport, remote_transport


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put all four programs on the PATH, and nothing else."""
    for name in ("ssh", "docker", "podman", "kubectl"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def carrier(text: str, **options: str) -> Transport:
    target = parse_target(text)
    assert isinstance(target, SshTarget | ContainerTarget | PodTarget)
    return remote_transport(target, RemoteOptions(**options))


def failed(stderr: str, returncode: int = 1) -> StartFailure:
    return StartFailure(returncode, b"", stderr, timed_out=False)


def test_ssh_gets_no_terminal_no_agent_and_no_forwarding() -> None:
    """The user's configuration for logins does not come along, and no option can be smuggled in."""
    argv = carrier("ssh:ann@web1:2222/shop").argv()
    assert argv[:4] == ["ssh", "-T", "-a", "-x"]
    assert argv[-5:-1] == ["-p", "2222", "--", "ann@web1"]
    assert {"ClearAllForwardings=yes", "RemoteCommand=none", "ControlMaster=no"} < set(argv)
    assert argv[-1].startswith("exec sh -c '")


def test_an_interpreter_s_name_is_one_word_over_there() -> None:
    """Blanks and quotes in a path arrive as they were typed."""
    assert carrier("ssh:web1", server_python="/opt/my python").argv()[-1].endswith(" '/opt/my python'")


def test_kubectl_gets_what_was_said_of_the_cluster() -> None:
    """Context, namespace and container are kubectl's own options."""
    argv = carrier("k8s:shop/web-7", context="prod", container="app").argv()
    assert argv[:7] == [
        "kubectl", "--context=prod", "--namespace=shop", "exec", "-i", "web-7", "--container=app"
    ]  # fmt: skip
    assert argv[7] == "--"


def test_docker_is_podman_where_there_is_no_docker(programs: Path) -> None:
    """`docker:` is understood on a machine that has podman only; `podman:` is never docker."""
    assert carrier("docker:shop-1").argv()[0] == "docker"
    assert carrier("podman:shop-1").argv()[0] == "podman"
    (programs / "docker").unlink()
    assert carrier("docker:shop-1").argv()[:6] == ["podman", "exec", "-i", "-w", "/", "shop-1"]


@pytest.mark.parametrize("text", ["ssh:web1", "docker:shop-1", "podman:shop-1", "k8s:web-7"])
def test_a_program_that_is_missing_is_said_before_anything_is_started(text: str, programs: Path) -> None:
    """Fault 88: no kubectl (ssh, docker) on this machine is a failure that names it."""
    for program in programs.iterdir():
        program.unlink()
    with pytest.raises(ClientError) as caught:
        carrier(text).argv()
    assert (caught.value.exit_code, caught.value.reason) == (1, "CARRIER_MISSING")


def test_options_of_another_carrier_are_refused() -> None:
    """An option that would be ignored is a mistake."""
    with pytest.raises(UsageFault, match="--container is for k8s"):
        carrier("ssh:web1", container="app")


def test_what_stands_after_the_slash_is_carried_along() -> None:
    """The session narrows the look to the service or the process over there."""
    assert (carrier("k8s:shop/web-7/api").service, carrier("docker:x/12").pid) == ("api", 12)
    assert carrier("k8s:shop/web-7/api").name == "k8s:shop/web-7/api"


@pytest.mark.parametrize(
    ("text", "status", "stderr", "code", "reason"),
    [
        ("ssh:h", 255, "ssh: Could not resolve hostname h: Name or service not known", 3, "NO_SUCH_HOST"),
        ("ssh:h", 255, "ssh: connect to host h port 22: No route to host", 3, "NO_SUCH_HOST"),
        ("ssh:h", 255, "ssh: connect to host h port 22: Connection refused", 1, "HOST_UNREACHABLE"),
        ("ssh:h", 255, "ssh: connect to host h port 22: Connection timed out", 1, "HOST_UNREACHABLE"),
        ("ssh:h", 255, "ann@h: Permission denied (publickey,password).", 4, "IDENTITY_REFUSED"),
        ("ssh:h", 255, "Received disconnect: Too many authentication failures", 4, "IDENTITY_REFUSED"),
        ("ssh:h", 255, "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", 4, "HOST_KEY_REFUSED"),
        ("ssh:h", 255, "Host key verification failed.", 4, "HOST_KEY_REFUSED"),
        ("ssh:h", 1, "sh: 1: Permission denied", 1, "CARRIER_FAILED"),
        ("docker:c", 1, "Error response from daemon: No such container: c", 3, "NO_SUCH_CONTAINER"),
        ("docker:c", 1, "Error response from daemon: container 4ac1 is not running", 3, "CONTAINER_NOT_RUNNING"),
        ("docker:c", 1, "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", 1,
         "ENGINE_UNREACHABLE"),
        ("docker:c", 1, "permission denied while trying to connect to the Docker daemon socket", 4, "IDENTITY_REFUSED"),
        ("podman:c", 125, 'Error: no container with name or ID "c" found: no such container', 3, "NO_SUCH_CONTAINER"),
        ("podman:c", 255, "Error: can only create exec sessions on running containers: container state improper", 3,
         "CONTAINER_NOT_RUNNING"),
        ("k8s:p", 1, 'Error from server (NotFound): pods "p" not found', 3, "NO_SUCH_POD"),
        ("k8s:p", 1, 'Error from server (NotFound): namespaces "n" not found', 3, "NO_SUCH_POD"),
        ("k8s:p", 1, "error: container x is not valid for pod p out of: app", 3, "NO_SUCH_CONTAINER"),
        ("k8s:p", 1, 'error: unable to upgrade connection: container not found ("app")', 3, "NO_SUCH_CONTAINER"),
        ("k8s:p", 1, 'error: context "prod" does not exist', 3, "NO_SUCH_CONTEXT"),
        ("k8s:p", 1, "Error in configuration: context was not found for specified context: prod", 3, "NO_SUCH_CONTEXT"),
        ("k8s:p", 1, "error: cannot exec into a container in a completed pod; current phase is Succeeded", 3,
         "CONTAINER_NOT_RUNNING"),
        ("k8s:p", 1, 'Error from server (Forbidden): pods "p" is forbidden: User "ann" cannot create resource', 4,
         "FORBIDDEN_BY_CLUSTER"),
        ("k8s:p", 1, "error: You must be logged in to the server (Unauthorized)", 4, "IDENTITY_REFUSED"),
        ("k8s:p", 1, "Unable to connect to the server: getting credentials: exec: executable aws failed", 4,
         "IDENTITY_REFUSED"),
        ("k8s:p", 1, "Unable to connect to the server: dial tcp: lookup c.example: no such host", 3, "NO_SUCH_HOST"),
        ("k8s:p", 1, "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host?", 1,
         "CLUSTER_UNREACHABLE"),
        ("k8s:p", 1, "The connection to the server localhost:8080 was refused - did you specify the right host?", 1,
         "NO_CLUSTER"),
        ("k8s:p", 137, "command terminated with exit code 137", 6, "TARGET_GONE"),
    ],
)  # fmt: skip
def test_a_message_becomes_a_cause(text: str, status: int, stderr: str, code: int, reason: str) -> None:
    """Faults 88 and 89: the carrier's own message reaches the user whole, with its exit code and a next step."""
    error = carrier(text).explain(failed(stderr, status))
    assert (error.exit_code, error.reason) == (code, reason)
    assert stderr in error.message


def test_kubectl_s_log_does_not_drown_its_message() -> None:
    """Kubectl says the same four times in its log before."""
    log = 'E1124 09:23:47.256246   23171 memcache.go:381] "Unhandled" err="the server has asked for credentials"\n'
    error = carrier("k8s:p").explain(failed(log * 4 + "error: You must be logged in to the server"))
    assert error.message == "kubectl did not get through to pod p: error: You must be logged in to the server"
    assert "memcache.go" in carrier("k8s:p").explain(failed(log)).message


@pytest.mark.parametrize(
    "stderr",
    [
        'exec failed: unable to start container process: exec: "sh": executable file not found in $PATH: unknown',
        "Error: crun: executable file `sh` not found in $PATH: No such file or directory: OCI runtime attempted",
    ],
)
@pytest.mark.parametrize("text", ["docker:c", "podman:c", "k8s:p"])
def test_an_image_without_a_shell_is_tried_without_one(text: str, stderr: str) -> None:
    """Fault 87: distroless images have an interpreter and no sh; runc's and crun's words for it."""
    second = carrier(text).fallback(failed(stderr, 127))
    assert second is not None
    assert second.argv()[-5:] == ["python3", "-E", "-P", "-m", "pyrometer.server"]
    third = failed('exec: "python3": executable file not found in $PATH', 127)
    assert second.fallback(third) is None
    assert second.explain(third).reason == "NO_INTERPRETER"


@pytest.mark.parametrize("text", ["docker:c", "k8s:p", "ssh:h"])
def test_other_failures_have_no_second_way(text: str) -> None:
    """What would fail again is not tried again."""
    assert carrier(text).fallback(failed("no such container")) is None
