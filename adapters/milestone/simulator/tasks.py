"""Tasks: what runs on an item, polled until done, then cleaned up."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adapters.milestone.simulator.rest import body_of, query_refused, unknown_request
from adapters.milestone.simulator.site import Site

#: How long a task says it is in progress.
LASTS_S = 0.2


def of(kind: str) -> list[dict[str, str]]:
    """List the tasks of a resource."""
    return [{"id": "TaskCleanup", "displayName": "Clean up"}] if kind == "tasks" else []


def presets(site: Site, request: Request, camera: str) -> Response:
    """Answer `GET cameras/{id}/ptzPresets`: a camera that turns offers to read its presets."""
    refused = query_refused(request, ("tasks", "noData"))
    if refused is not None:
        return refused
    answer: dict[str, Any] = {} if "noData" in request.query_params else {"array": []}
    if "tasks" in request.query_params:
        offered = [{"id": "GetDevicePresets", "displayName": "Get presets from device"}]
        answer["tasks"] = offered if site.cameras[camera].ptz else []
    return JSONResponse(answer)


async def run(site: Site, request: Request, kind: str, item: str, child: str) -> Response:
    """Answer `POST …?task=…`: start a task, or clean one up."""
    task = request.query_params.get("task")
    refused = query_refused(request, ("task",))
    if refused is not None:
        return refused
    if (kind, child, task) == ("tasks", "", "TaskCleanup"):
        body = await body_of(request, ())
        if isinstance(body, Response):
            return body
        del site.tasks[item]
        return JSONResponse({"result": {"state": "Success", "progress": 100}})
    turns = kind == "cameras" and site.cameras[item].ptz
    if not turns or (child, task) != ("ptzpresets", "GetDevicePresets"):
        return unknown_request()
    body = await body_of(request, ("sessionDataId",))
    return body if isinstance(body, Response) else _start(site)


def _start(site: Site) -> Response:
    identifier = str(uuid4())
    site.tasks[identifier] = site.clock()
    path = {"type": "tasks", "id": identifier}
    return JSONResponse({"result": {"path": path, "state": "InProgress", "progress": 0}})


def write_all(site: Site) -> list[dict[str, Any]]:
    """Write the tasks started and not yet cleaned up."""
    return [_write(site, identifier, started) for identifier, started in site.tasks.items()]


def _write(site: Site, identifier: str, started: float) -> dict[str, Any]:
    done = site.clock() - started >= LASTS_S
    return {
        "id": identifier, "state": "Success" if done else "InProgress",
        "progress": 100 if done else 50, "errorText": "",
        "relations": {"self": {"type": "tasks", "id": identifier}},
    }  # fmt: skip
