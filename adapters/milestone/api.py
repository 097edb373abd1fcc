"""The configuration REST in a few words: rows, tasks. Blocks; used from several threads.

Tasks are met as the maker's configuration client meets them: `?tasks` says which an item offers;
invoked with an empty body a task answers with its form, which is filled in and sent back. The names
of a form's fields are published nowhere, so they are recognised by what they speak of and by the
shape of what stands in them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hooks import AdapterError, Refused, Unreachable

if TYPE_CHECKING:
    from adapters.milestone.gateway import Gateway

log = logging.getLogger(__name__)

Row = dict[str, Any]

#: Between two pieces of an answer: what is not the alarm itself must not hold the hook.
READ_S = 4.0
#: How long a task is waited for, and how often it is asked.
TASK_S, POLL_S = 4.0, 0.1
#: Fields of a form that are not to be filled in.
_FRAME = {"displayname", "path", "state", "progress", "errortext", "relations", "id"}


@dataclass(frozen=True, slots=True)
class Items:
    """Items of the configuration, as a task's field names them."""

    kind: str
    ids: tuple[str, ...]

    def paths(self) -> list[dict[str, str]]:
        """Write them as the REST does."""
        return [{"type": self.kind, "id": each} for each in self.ids]


Value = Items | str | float


def fill(task: str, form: Mapping[str, Any], values: Mapping[str, Value]) -> Row:
    """Fill in a task's form: `values` by a word that the field's name contains.

    Raises
    ------
    Refused
        The form has no field for one of the values: it is named, with the fields there are.
    """
    body: Row = {}
    if "sessionDataId" in form:
        body["sessionDataId"] = form["sessionDataId"]
    fields = [each for each in form if each.lower() not in _FRAME and each != "sessionDataId"]
    for word, value in values.items():
        named = next((each for each in fields if word in each.lower()), None)
        if named is None:
            raise Refused(
                "the form of XProtect's task {task} has no field for {word}; it has: {fields}",
                task=task, word=word, fields=", ".join(fields) or "?",
            )  # fmt: skip
        body[named] = _shaped(form[named], value)
    return body


def _shaped(blank: object, value: Value) -> object:
    """Give a value the shape that stands in the form."""
    if isinstance(value, Items):
        return value.paths() if isinstance(blank, list) or len(value.ids) != 1 else value.paths()[0]
    return str(value) if isinstance(blank, str) and blank else value


class Api:
    """The configuration REST of one site."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    def ask(self, method: str, path: str, body: Row | None = None) -> Row:
        """Ask, and read the answer's object; empty for an answer without a body."""
        answer = self.gateway.ask(method, path, body, READ_S)
        return {} if answer.status_code == 204 else self.gateway.read(answer, path)

    def one(self, path: str) -> Row:
        """Read one item."""
        found = self.ask("GET", path).get("data")
        return found if isinstance(found, dict) else {}

    def rows(self, path: str) -> list[Row]:
        """Read a list; a row without an id, which nothing can be asked of, is left out."""
        found = self.ask("GET", path).get("array")
        listed = found if isinstance(found, list) else []
        return [each for each in listed if isinstance(each, dict) and each.get("id")]

    def change(self, path: str, body: Row) -> None:
        """Change some properties of an item."""
        self.ask("PATCH", path, body)

    # --- tasks ---

    def offered(self, path: str) -> tuple[str, ...]:
        """List the tasks that an item offers, as the site spells them."""
        tasks = self.ask("GET", f"{path}?tasks").get("tasks")
        listed = tasks if isinstance(tasks, list) else []
        return tuple(str(each["id"]) for each in listed if isinstance(each, dict) and "id" in each)

    def run(
        self, path: str, task: str, values: Mapping[str, Value], task_s: float | None = None
    ) -> Row:
        """Run a task to its end: ask for the form, fill it in, wait, clean up. Gives what it gave.

        Parameters
        ----------
        task_s
            How long its end is waited for; unless said, no longer than an alert may wait.

        Raises
        ------
        Refused
            It ended in error: the site's own words; or the form lacks a field.
        Unreachable
            It has not ended in time: it may still do its work.
        """
        where = f"{path}?task={task}"
        form = self._result(where, {"sessionDataId": 0})
        if not values:
            return self._ended(task, form, task_s)
        return self._ended(task, self._result(where, fill(task, form, values)), task_s)

    def _result(self, path: str, body: Row) -> Row:
        result = self.ask("POST", path, body).get("result")
        return result if isinstance(result, dict) else {}

    def _ended(self, task: str, told: Row, task_s: float | None) -> Row:
        """Wait until a task has ended; one that answers at once has nothing to poll."""
        path = told.get("path")
        path = path if isinstance(path, dict) else {}
        identifier = path.get("id") if path.get("type") == "tasks" else None
        task_s = TASK_S if task_s is None else task_s
        until = time.monotonic() + task_s
        while identifier and told.get("state") not in ("Success", "Error"):
            if time.monotonic() >= until:
                raise Unreachable(
                    "XProtect's task {task} has not ended within {s:g} s", task=task, s=task_s
                )
            time.sleep(POLL_S)
            told = self.one(f"tasks/{identifier}")
        if identifier:
            self._clean_up(identifier)
        if told.get("state") == "Error":
            why = str(told.get("errorText") or "?")[:200]
            raise Refused("XProtect's task {task} failed: {why}", task=task, why=why)
        return told

    def _clean_up(self, identifier: str) -> None:
        """Clear a task away; its work is done whether or not that goes well."""
        try:
            self.ask("POST", f"tasks/{identifier}?task=TaskCleanup", {})
        except AdapterError as error:
            log.info("the task %s is not cleared away: %s", identifier, error)


def pick_task(offered: Sequence[str], *words: str, but: Sequence[str] = ()) -> str:
    """Find the task whose name contains all these words, and none of the others; empty: none."""
    for each in offered:
        name = each.lower()
        if all(word in name for word in words) and not any(word in name for word in but):
            return each
    return ""
