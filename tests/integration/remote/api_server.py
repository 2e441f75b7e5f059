"""A small Kubernetes API server that really executes: what kubectl asks for an `exec`, and nothing else.

Run as a program: `python api_server.py PODS_FILE`; it prints the port of 127.0.0.1 that it listens on. PODS_FILE is
JSON: `{"NAMESPACE/POD": {"phase": "Running", "containers": {"NAME": [COMMAND PREFIX]}}}`; a prefix such as
`["podman", "exec", "-i", "X"]` puts the command into a container, an empty one runs it here.

The first part of a path is who asks, since kubectl sends no token over plain HTTP: `eve` may look at pods but not
execute, `expired` is nobody any more, everyone else may do all. What this does not have: RBAC rules, admission, a
kubelet, a container runtime, SPDY, port-forward, ephemeral containers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

STDIN, STDOUT, STDERR, STATUS, CLOSE = 0, 1, 2, 3, 255
PODS: web.AppKey[dict[str, Any]] = web.AppKey("pods", dict)


def resource(name: str, singular: str, kind: str, *verbs: str, namespaced: bool = True) -> dict[str, Any]:
    """Describe a resource as discovery does."""
    return {"name": name, "singularName": singular, "namespaced": namespaced, "kind": kind, "verbs": verbs}


RESOURCES = [
    resource("namespaces", "namespace", "Namespace", "get", namespaced=False),
    resource("pods", "pod", "Pod", "get", "list"),
    resource("pods/exec", "", "PodExecOptions", "get", "create"),
]
DISCOVERY = {
    "api": {"kind": "APIVersions", "versions": ["v1"]},
    "apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": RESOURCES},
}


def failure(code: int, reason: str, message: str, **details: str) -> web.Response:
    """Answer as the API server does when it says no."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason}
    return web.json_response({**status, "details": details, "code": code}, status=code)


async def discover(request: web.Request) -> web.Response:
    """Say which resources there are."""
    if request.match_info["who"] == "expired":
        return failure(401, "Unauthorized", "Unauthorized")
    return web.json_response(DISCOVERY[request.match_info["what"]])


def find_pod(request: web.Request) -> dict[str, Any] | None:
    """Look up the pod that a path names."""
    return request.app[PODS].get(f"{request.match_info['namespace']}/{request.match_info['pod']}")


def no_pod(request: web.Request) -> web.Response:
    pod = request.match_info["pod"]
    return failure(404, "NotFound", f'pods "{pod}" not found', name=pod, kind="pods")


async def get_pod(request: web.Request) -> web.Response:
    """Describe a pod as far as kubectl wants to know it."""
    pod = find_pod(request)
    if pod is None:
        return no_pod(request)
    names = {"name": request.match_info["pod"], "namespace": request.match_info["namespace"]}
    containers = [{"name": name, "image": "tests"} for name in pod["containers"]]
    return web.json_response(
        {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": names,
            "spec": {"containers": containers},
            "status": {"phase": pod["phase"]},
        }
    )


async def get_namespace(request: web.Request) -> web.Response:
    """Tell whether there is a namespace: kubectl asks when it has not found a pod."""
    name = request.match_info["namespace"]
    if not any(key.startswith(f"{name}/") for key in request.app[PODS]):
        return failure(404, "NotFound", f'namespaces "{name}" not found', name=name, kind="namespaces")
    return web.json_response({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}})


async def execute(request: web.Request) -> web.StreamResponse:
    """Run a command in a container of a pod, its three streams carried over one WebSocket."""
    pod, name = find_pod(request), request.query.get("container", "")
    if request.match_info["who"] == "eve":
        where = f'in API group "" in the namespace "{request.match_info["namespace"]}"'
        refusal = (
            f'pods "{request.match_info["pod"]}" is forbidden: User "eve" cannot create resource "pods/exec" {where}'
        )
        return failure(403, "Forbidden", refusal)
    if pod is None:
        return no_pod(request)
    if name not in pod["containers"]:
        return failure(400, "BadRequest", f"container {name} is not valid for pod {request.match_info['pod']}")
    socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
    await socket.prepare(request)
    await Execution(socket).run([*pod["containers"][name], *request.query.getall("command")])
    await socket.close()
    return socket


class Execution:
    """One command and the WebSocket that carries it; a watcher that goes away closes its stdin, as a kubelet does."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket

    async def run(self, command: list[str]) -> None:
        """Start the command, carry its streams, and tell how it ended."""
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as error:
            await self.end(not_started(command[0], error))
            return
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        carried = asyncio.ensure_future(self.carry_in(process.stdin))
        await asyncio.gather(self.carry_out(process.stdout, STDOUT), self.carry_out(process.stderr, STDERR))
        await self.end(exit_status(await process.wait()))
        carried.cancel()

    async def carry_in(self, stdin: asyncio.StreamWriter) -> None:
        """Carry what the client types; its half-close, or its end, is the command's end of file."""
        async for message in self.socket:
            if message.type is not WSMsgType.BINARY or message.data[:2] == bytes((CLOSE, STDIN)):
                break
            if message.data[:1] == bytes((STDIN,)):
                stdin.write(message.data[1:])
                await stdin.drain()
        stdin.close()

    async def carry_out(self, stream: asyncio.StreamReader, channel: int) -> None:
        """Carry what the command prints, and go on reading when nobody listens."""
        while data := await stream.read(65536):
            await self.send(channel, data)

    async def end(self, status: dict[str, Any]) -> None:
        """Tell how the command ended."""
        await self.send(STATUS, json.dumps({"metadata": {}, **status}).encode())

    async def send(self, channel: int, data: bytes) -> None:
        """Send to a client that may have gone."""
        with contextlib.suppress(ConnectionError):
            if not self.socket.closed:
                await self.socket.send_bytes(bytes((channel,)) + data)


def exit_status(code: int) -> dict[str, Any]:
    """Tell an exit code as a kubelet does."""
    if code == 0:
        return {"status": "Success"}
    message = f"command terminated with non-zero exit code: exit status {code}"
    causes = [{"reason": "ExitCode", "message": str(code if code > 0 else 128 - code)}]
    return {"status": "Failure", "reason": "NonZeroExitCode", "message": message, "details": {"causes": causes}}


def not_started(program: str, error: OSError) -> dict[str, Any]:
    """Tell that a command can't be started, in containerd's and runc's words."""
    why = str(error.strerror).lower() if "/" in program else "executable file not found in $PATH"
    words = (
        f'OCI runtime exec failed: exec failed: unable to start container process: exec: "{program}": {why}: unknown'
    )
    message = f"Internal error occurred: error executing command in container: failed to exec in container: {words}"
    return {"status": "Failure", "reason": "InternalError", "message": message, "code": 500}


def application(pods: dict[str, Any]) -> web.Application:
    """Put the routes together."""
    app = web.Application()
    app[PODS] = pods
    pod = "/{who}/api/v1/namespaces/{namespace}/pods/{pod}"
    app.add_routes(
        [
            web.get("/{who}/{what:api|apis|api/v1}", discover),
            web.get("/{who}/api/v1/namespaces/{namespace}", get_namespace),
            web.get(pod, get_pod),
            web.get(pod + "/exec", execute),
            web.post(pod + "/exec", execute),
        ]
    )
    return app


async def serve(pods: dict[str, Any]) -> None:
    """Listen on a free port of the loopback, and print it, until killed."""
    runner = web.AppRunner(application(pods), handler_cancellation=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text())))
