"""kubectl as a carrier into a pod: the user's own context, login and rights in the cluster."""

from __future__ import annotations

import re
from dataclasses import replace

from pyrometer.client.errors import ClientError, NotFound, NotPermitted, TargetGone
from pyrometer.client.targets import PodTarget
from pyrometer.client.transports import StartFailure, Transport, complaints
from pyrometer.client.transports.carrier import Carrier, find_program
from pyrometer.client.transports.complaints import Cause
from pyrometer.client.transports.container import NO_SHELL

CAUSES = (
    Cause(
        r"\(Forbidden\)|is forbidden:|cannot (create|get) resource",
        NotPermitted,
        "FORBIDDEN_BY_CLUSTER",
        "Ask for a role with `get` on pods and `create` on pods/exec in that namespace (docs/kubernetes.md has it).",
    ),
    Cause(
        r"Unauthorized|must be logged in|getting credentials|token (has )?expired|provide credentials",
        NotPermitted,
        "IDENTITY_REFUSED",
        "Log in to the cluster again; `kubectl auth whoami` tells who you are to it.",
    ),
    Cause(
        r"(pods|namespaces) \"[^\"]*\" not found|\(NotFound\)",
        NotFound,
        "NO_SUCH_POD",
        "`kubectl get pods` lists them; name the namespace as k8s:NAMESPACE/POD, and the cluster by --context.",
    ),
    Cause(
        r"container \S+ is not valid for pod|container not found|container \S+ not found in pod|no container named",
        NotFound,
        "NO_SUCH_CONTAINER",
        "Name one of the pod's containers with -c; `kubectl describe pod` lists them.",
    ),
    Cause(
        r"context \"?[^\n]*\"? does not exist|no context exists|context was not found",
        NotFound,
        "NO_SUCH_CONTEXT",
        "`kubectl config get-contexts` lists them.",
    ),
    Cause(
        r"completed pod|current phase is|container is not (created or )?running|is not running|pod does not exist",
        NotFound,
        "CONTAINER_NOT_RUNNING",
        "Nothing runs in it now; `kubectl get pods` shows what took its place.",
    ),
    Cause(
        r"server localhost:8080 was refused",
        ClientError,
        "NO_CLUSTER",
        "kubectl has no configuration here: set KUBECONFIG, or get ~/.kube/config from who runs the cluster.",
    ),
    Cause(
        r"no such host",
        NotFound,
        "NO_SUCH_HOST",
        "The cluster's address is unknown here: check the context, the VPN or the proxy.",
    ),
    Cause(
        r"connection refused|i/o timeout|unable to connect to the server|was refused|deadline exceeded|TLS handshake",
        ClientError,
        "CLUSTER_UNREACHABLE",
        "`kubectl get pods` by hand shows whether the cluster answers at all.",
    ),
    Cause(
        r"executable file [^\n]*not found|no such file or directory",
        ClientError,
        "NO_INTERPRETER",
        "Name an interpreter of the image that has pyrometer: --server-python PATH",
    ),
)


_LOG_LINE = re.compile(r"^[IWEF]\d{4} \d\d:\d\d:\d\d[^\n]*(\n|\Z)", re.MULTILINE)


class Kubernetes(Carrier[PodTarget]):
    """A server inside a container of a pod, as that container's own user."""

    def argv(self) -> list[str]:
        """Build the kubectl command line. Raises ClientError if there is no kubectl."""
        program = find_program("kubectl", next="Install it (https://kubernetes.io/docs/tasks/tools/).")
        return [program, *self._cluster(), "exec", "-i", self.target.pod, *self._container(), "--", *self.command()]

    def fallback(self, failure: StartFailure) -> Transport | None:
        """Go without the shell: an image that has none may have an interpreter all the same."""
        if self.shell and not failure.started and NO_SHELL.search(failure.stderr):
            return replace(self, shell=False)
        return None

    def explain(self, failure: StartFailure) -> ClientError:
        """Read kubectl's text: its status is 1 for everything of its own. 137 is a container that was killed."""
        where = f"pod {self.target.pod}"
        failure = failure._replace(stderr=_without_log_lines(failure.stderr))
        if failure.returncode == 137 and not failure.stderr.startswith("error:"):
            return TargetGone(f"{where} was stopped or evicted: {complaints.said(failure) or 'no word from kubectl'}")
        return complaints.explain("kubectl", where, failure, CAUSES)

    def _cluster(self) -> list[str]:
        context = [f"--context={self.options.context}"] if self.options.context else []
        namespace = self.options.namespace or self.target.namespace
        return [*context, *([f"--namespace={namespace}"] if namespace else [])]

    def _container(self) -> list[str]:
        """Name the container, and keep kubectl from saying which one it took by default."""
        return [f"--container={self.options.container}"] if self.options.container else ["--quiet"]


def _without_log_lines(stderr: str) -> str:
    """Drop the lines of kubectl's own log, which say four times what its last line says once; keep them if alone."""
    return _LOG_LINE.sub("", stderr).strip() or stderr
