"""Tasks: what is run on an item: a form to fill in, work, a state to poll, then a clean-up.

`{"sessionDataId": 0}` starts a task. Where a task needs more, an empty body, or that one alone,
answers with the form: its fields, empty, and the `sessionDataId` to send back with them. That is
how the maker's configuration client works; how the REST writes the form is assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adapters.milestone.simulator.rest import body_of, error, query_refused, unknown_request
from adapters.milestone.simulator.shapes import Shape, number, wrong
from adapters.milestone.simulator.site import Site, Task


class Refused(Exception):
    """The task ends in error: its text is what an operator would read."""


def _always(_site: Site, _item: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Form:
    """One task: its name for people, its fields, the work, and when it is offered at all.

    `blank` is how the form shows each field before it is filled in. `work` gets the item's
    identifier and the body; what it gives is written into the task.
    """

    display: str
    work: Callable[[Site, str, dict[str, Any]], dict[str, Any] | None]
    fields: Mapping[str, Shape] = field(default_factory=dict)
    blank: Mapping[str, object] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    offered: Callable[[Site, str], bool] = _always
    #: Answers at once, without a task to poll.
    at_once: bool = False


#: By resource and child: task id → form.
Forms = dict[tuple[str, str], dict[str, Form]]


def offered(site: Site, forms: Forms, kind: str, child: str, item: str) -> dict[str, Form]:
    """List the tasks an item offers."""
    known = forms.get((kind, child), {})
    return {name: form for name, form in known.items() if form.offered(site, item)}


def listed(found: Mapping[str, Form]) -> list[dict[str, str]]:
    """Write the tasks as `?tasks` does."""
    return [{"id": name, "displayName": form.display} for name, form in found.items()]


async def run(site: Site, request: Request, found: Mapping[str, Form], item: str) -> Response:
    """Answer `POST …?task=…`: give the form, or start the task."""
    name = request.query_params.get("task", "")
    refused = query_refused(request, ("task",))
    form = found.get(name)
    if refused is not None or form is None:
        return refused or unknown_request()
    spelt = site.spelling.get(name, {})
    theirs = {spelt.get(each, each): each for each in form.fields}
    body = await body_of(request, {*theirs, "sessionDataId"}, empty=True)
    if isinstance(body, Response):
        return body
    session = body.pop("sessionDataId", 0)
    if not number(session) or int(session) not in site.form_numbers:
        return error(400, "Invalid value for property: sessionDataId", propertyName="sessionDataId")
    if form.needs and not body:
        return _blank(site, form, spelt)
    bad = _fault(form, theirs, body)
    if bad is not None:
        return bad
    return _start(site, form, item, {theirs[given]: value for given, value in body.items()})


def _blank(site: Site, form: Form, spelt: Mapping[str, str]) -> Response:
    session = max(site.form_numbers) + 1
    site.form_numbers.add(session)
    fields = {spelt.get(name, name): form.blank.get(name, "") for name in form.fields}
    return JSONResponse(
        {"result": {"displayName": form.display, **fields, "sessionDataId": session}}
    )


def _fault(form: Form, theirs: Mapping[str, str], body: Mapping[str, Any]) -> Response | None:
    ours = {name: given for given, name in theirs.items()}
    for name in form.needs:
        if ours[name] not in body:
            text = f"Missing required property: {ours[name]}"
            return error(400, text, propertyName=ours[name])
    bad = wrong(body, {given: form.fields[name] for given, name in theirs.items()})
    return error(400, f"Invalid value for property: {bad}", propertyName=bad) if bad else None


def _start(site: Site, form: Form, item: str, body: dict[str, Any]) -> Response:
    now = site.clock()
    lasts = 0.0 if form.at_once else site.task_lasts_s
    task = Task(now, now + lasts)
    try:
        if site.task_error:
            raise Refused(site.task_error)
        task.gives = form.work(site, item, body) or {}
    except Refused as refused:
        task.error = str(refused)
    finally:
        site.task_error = ""
    if lasts == 0:
        return JSONResponse({"result": _state(site, task)})
    identifier = str(uuid4())
    site.tasks[identifier] = task
    path = {"type": "tasks", "id": identifier}
    return JSONResponse(
        {"result": {"path": path, "state": "InProgress", "progress": 0, "errorText": ""}}
    )


def _clean_up(site: Site, item: str, _body: dict[str, Any]) -> None:
    del site.tasks[item]


def _stop(site: Site, item: str, _body: dict[str, Any]) -> None:
    site.tasks[item].ends, site.tasks[item].error = site.clock(), "The task was stopped."


FORMS: Forms = {
    ("tasks", ""): {
        "TaskCleanup": Form("Clean up", _clean_up, at_once=True),
        "TaskStop": Form(
            "Stop", _stop, at_once=True,
            offered=lambda site, item: site.clock() < site.tasks[item].ends,
        ),
    }
}  # fmt: skip


def write_all(site: Site) -> list[dict[str, Any]]:
    """Write the tasks started and not yet cleaned up."""
    return [_write(site, identifier, task) for identifier, task in site.tasks.items()]


def _write(site: Site, identifier: str, task: Task) -> dict[str, Any]:
    return {
        "id": identifier, "displayName": "Task", **_state(site, task),
        "relations": {"self": {"type": "tasks", "id": identifier}},
    }  # fmt: skip


def _state(site: Site, task: Task) -> dict[str, Any]:
    if site.clock() < task.ends:
        return {"state": "InProgress", "progress": 50, "errorText": ""}
    if task.error:
        return {"state": "Error", "progress": 100, "errorText": task.error}
    return {"state": "Success", "progress": 100, "errorText": "", **task.gives}
