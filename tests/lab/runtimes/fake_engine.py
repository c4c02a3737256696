"""An engine that speaks Docker's HTTP over a Unix socket, and keeps containers and networks in memory.

`version` and `api` are what it says of itself, `images` their labels by name. A container whose part is in `dying` ends as soon as
it is started, with those last words. A network in `busy` is in use as many times as it says, one in `attached` has those containers.
`refusing` answers 500 with these words to every request of that method and path beginning.
"""

import contextlib
import ipaddress
import json
import socketserver
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from lab.runtimes.docker.engine import API_VERSION, PART, SOURCE

Body = dict[str, Any]


class FakeEngine:
    """See the module."""

    def __init__(self) -> None:
        self.version, self.api = "20.10.24", API_VERSION
        self.images: dict[str, dict[str, str]] = {}
        self.containers: dict[str, Body] = {}
        self.networks: dict[str, Body] = {}
        self.dying: dict[str, str] = {}
        self.busy: dict[str, int] = {}
        self.attached: dict[str, list[str]] = {}
        self.refusing: dict[tuple[str, str], str] = {}
        self.asked: list[tuple[str, str, Body]] = []

    def has(self, name: str, *stages: str, source: str = "unknown") -> None:
        """Images of these stages, called `name-STAGE:latest`."""
        for stage in stages:
            self.images[f"{name}-{stage}:latest"] = {SOURCE: source}

    def answer(self, method: str, path: str, query: dict[str, str], body: Body) -> tuple[int, Any]:
        """Status and what is answered: JSON, bytes, or None for nothing."""
        self.asked.append((method, path, body))
        for (verb, beginning), words in self.refusing.items():
            if (verb, True) == (method, path.startswith(beginning)):
                return 500, {"message": words}
        match method, path.strip("/").split("/"):
            case "GET", ["version"]:
                return 200, {"Version": self.version, "ApiVersion": self.api}
            case "GET", ["info"]:
                return 200, {"CgroupVersion": "2", "Driver": "overlay2"}
            case "GET", ["images", *name, "json"]:
                labels = self.images.get("/".join(name))
                return (
                    (200, {"Config": {"Labels": labels}})
                    if labels is not None
                    else _missing("image", name[-1])
                )
            case "GET", ["networks"]:
                named = json.loads(query.get("filters", "{}")).get("name", [""])
                there = [n for n in self.networks.values() if any(part in n["Name"] for part in named)]
                return 200, [n for n in there if _labelled(n["Labels"], query)]
            case "GET", ["networks", name]:
                ends: Body = {container: {} for container in self.attached.get(name, [])}
                return (200, {"Containers": ends}) if name in self.networks else _missing("network", name)
            case "POST", ["networks", "create"]:
                return self._make_network(body)
            case "POST", ["networks", _network, "connect"]:
                return 200, None
            case "DELETE", ["networks", name]:
                if self.busy.get(name, 0) > 0:
                    self.busy[name] -= 1
                    return 403, {"message": f"network {name} has active endpoints"}
                return (204, None) if self.networks.pop(name, None) else _missing("network", name)
            case "GET", ["containers", "json"]:
                return 200, [_listed(c) for c in self.containers.values() if _labelled(c["Labels"], query)]
            case "POST", ["containers", "create"]:
                return self._make_container(query.get("name", ""), body)
            case verb, ["containers", container, *what]:
                return self._of_container(verb, container, what)
        return 404, {"message": f"page not found: {method} {path}"}

    def _make_network(self, body: Body) -> tuple[int, Any]:
        if body["Name"] in self.networks:
            return 409, {"message": f"network with name {body['Name']} already exists"}
        for pool in body["IPAM"]["Config"]:
            for other in self.networks.values():
                for taken in other["IPAM"]["Config"]:
                    if ipaddress.IPv4Network(pool["Subnet"]).overlaps(ipaddress.IPv4Network(taken["Subnet"])):
                        return 403, {"message": "Pool overlaps with other one on this address space"}
        self.networks[body["Name"]] = body
        return 201, {"Id": body["Name"]}

    def _make_container(self, name: str, body: Body) -> tuple[int, Any]:
        if name in {c["Name"] for c in self.containers.values()}:
            return 409, {"message": f"Conflict. The container name {name} is already in use"}
        if body["Image"] not in self.images:
            return _missing("image", body["Image"])
        made = f"{len(self.asked):012x}"
        self.containers[made] = {
            "Id": made, "Name": name, "Labels": body.get("Labels") or {}, "State": "created", "Body": body, "Said": "",
        }  # fmt: skip
        return 201, {"Id": made, "Warnings": []}

    def _of_container(self, verb: str, container: str, what: list[str]) -> tuple[int, Any]:
        found = self.containers.get(container)
        if found is None:
            return _missing("container", container)
        match verb, what:
            case "POST", ["start"]:
                words = self.dying.get(found["Labels"].get(PART, ""))
                found["State"] = "running" if words is None else "exited"
                found["Said"] = words or ""
                return 204, None
            case "POST", ["kill" | "stop"]:
                found["State"] = "exited"
                return 204, None
            case "POST", ["wait"]:
                return 200, {"StatusCode": 1 if found["State"] == "exited" else 0}
            case "GET", ["logs"]:
                said = found["Said"].encode()
                return 200, struct.pack(">BxxxL", 1, len(said)) + said
            case "GET", ["json"]:
                running = found["State"] == "running"
                state = {"Running": running, "ExitCode": 0 if running else 3, "Pid": 0}
                return 200, {"Id": container, "State": state, "Config": {"Tty": False}}
            case "DELETE", []:
                del self.containers[container]
                return 204, None
        return 404, {"message": "page not found"}


def _missing(kind: str, name: str) -> tuple[int, Any]:
    return 404, {"message": f"No such {kind}: {name}"}


def _labelled(labels: dict[str, str], query: dict[str, str]) -> bool:
    wanted = json.loads(query.get("filters", "{}")).get("label", [])
    pairs = [word.partition("=") for word in wanted]
    return all(name in labels and (not value or labels[name] == value) for name, _, value in pairs)


def _listed(container: Body) -> Body:
    return {
        "Id": container["Id"],
        "Names": [f"/{container['Name']}"],
        "State": container["State"],
        "Labels": container["Labels"],
    }


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    engine: FakeEngine


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        asked = urlsplit(self.path)
        path = unquote(asked.path)
        if path.startswith("/v1."):
            path = "/" + path.split("/", 2)[2]
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer = self.server.engine.answer(self.command, path, query, json.loads(sent or b"{}"))
        data = answer if isinstance(answer, bytes) else b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        kind = "application/octet-stream" if isinstance(answer, bytes) else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 -- http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's
        """Nobody reads it."""

    def address_string(self) -> str:
        return "unix"


@contextlib.contextmanager
def serving(engine: FakeEngine, path: Path) -> Iterator[str]:
    """The URL where it answers."""
    with _Server(str(path), _Handler) as server:
        server.engine = engine
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"unix://{path}"
        finally:
            server.shutdown()
            thread.join()
