"""What can happen: event types, the groups of states they belong to, the state of cameras."""

from __future__ import annotations

from typing import Any

from adapters.milestone.simulator.inventory import guid
from adapters.milestone.simulator.site import Site

COMMUNICATING = "dd3e6464-7dc0-405a-a92f-6150587563e8"
COMMUNICATION_STOPPED = "0ee90664-2924-42a0-a816-4129d0ecabdc"
COMMUNICATION_ERROR = "a334af1c-4b4b-4957-9e5f-ab8ca07feab6"
RECORDING = "4577f552-765a-438c-bc7d-e5ff1f754bc3"
#: Event types every server has, by the identifiers in the maker's samples: group, state, name.
_SYSTEM = {
    "6eb95dd6-7ccc-4bce-99f8-af0d0b582d77": ("Motion", "Motion", "Motion Started"),
    "6f55a7a7-d21c-4629-ac18-af1975e395a2": ("Motion", "No Motion", "Motion Stopped"),
    RECORDING: ("Recording", "Recording started", "Recording Started"),
    "79a94f89-92de-4fca-8a43-5561d407423d": ("Recording", "Recording stopped", "Recording Stopped"),
    COMMUNICATING: ("Communication", "Started", "Communication Started (Device)"),
    COMMUNICATION_STOPPED: ("Communication", "Stopped", "Communication Stopped (Device)"),
    COMMUNICATION_ERROR: ("Communication", "Error", "Communication Error (Device)"),
}
#: Who makes the events of a group: recorded for motion, the others assumed to be the system's own.
_GENERATORS = {"Motion": "RecorderPlugin"}
#: One analytics event and one generic event, as an administrator would have added them.
ANALYTICS, GENERIC = guid("analytics event"), guid("generic event")


def event_types(site: Site) -> list[dict[str, Any]]:
    """List the event types; `generatorType` decides who may trigger them."""
    listed = [
        _event_type(
            key,
            name,
            _GENERATORS.get(group, "System"),
            state=state,
            stateGroupId=group_id(group),
            counterEventID=_counter(key, group),
        )
        for key, (group, state, name) in _SYSTEM.items()
    ]
    listed += [_event_type(key, name, "External") for key, name in site.defined.items()]
    for each in site.shelf.of("analyticsEvents"):
        name = str(each.fields["name"])
        listed.append(_event_type(each.id, name, "MIPDevice", generatorSubtype="Analytics"))
    listed.append(_event_type(GENERIC, "Generic", "External", generatorSubtype="Generic"))
    return listed


def state_groups() -> list[dict[str, Any]]:
    """List the groups: within one, a source is in one state at a time.

    As recorded, a group has no `id` of its own: it is in its relations.
    """
    names = sorted({group for group, _, _ in _SYSTEM.values()})
    return [
        {
            "displayName": name, "name": name, "lastModified": "2026-01-02T03:04:05.1230000Z",
            "states": [state for group, state, _ in _SYSTEM.values() if group == name],
            "relations": {"self": {"type": "stateGroups", "id": group_id(name)}},
        }
        for name in names
    ]  # fmt: skip


def _counter(key: str, group: str) -> str:
    """Give the event that ends the state this one begins, and the other way round."""
    same = [each for each, (name, _, _) in _SYSTEM.items() if name == group and each != key]
    return same[0] if len(same) == 1 else ""


def group_id(name: str) -> str:
    """Give the GUID of a group of states."""
    return guid(f"state group {name}")


def group_of(kind: str) -> dict[str, str]:
    """Give what an event of this type says of its group of states: nothing, where it has none."""
    return {"stategroupid": group_id(_SYSTEM[kind][0])} if kind in _SYSTEM else {}


def states_of(site: Site) -> list[dict[str, Any]]:
    """List the states of the cameras that are enabled, as stateful events."""
    listed = []
    for camera in site.cameras.values():
        if not camera.enabled:
            continue
        kinds = [COMMUNICATING, RECORDING] if camera.online else [COMMUNICATION_ERROR]
        for kind in kinds:
            if kind == RECORDING and camera.worn:
                continue
            listed.append(
                {
                    "specVersion": "1.0", "type": kind, "source": f"cameras/{camera.id}",
                    "time": site.now(), "stategroupid": group_id(_SYSTEM[kind][0]),
                }
            )  # fmt: skip
    return listed


def state_changed(site: Site, camera: str, kind: str) -> None:
    """Let a camera change its state, as the recording server reports it."""
    site.happen(kind, f"cameras/{camera}", stategroupid=group_id(_SYSTEM[kind][0]))


def _event_type(key: str, name: str, generator: str, **more: Any) -> dict[str, Any]:
    """Write an event type: the fields recorded on 23.2."""
    group = guid(f"event type group {generator}")
    return {
        "id": key, "name": name.replace(" ", ""), "displayName": name, "description": "",
        "lastModified": "2026-01-02T03:04:05.1230000Z", "generatorType": generator,
        "generatorSubtype": "", "generatorName": "", "generatorID": "", "generatorGroupName": "",
        "generatorGroupId": "", "occursGlobally": False, "builtIn": False, "counterEventID": "",
        "sourceArray": ["Camera", "CameraGroup"], "sourceFilterArray": ["", ""],
        "state": "", "stateGroupId": "",
        "relations": {
            "self": {"type": "eventTypes", "id": key},
            "parent": {"type": "eventTypeGroups", "id": group},
        },
        **more,
    }  # fmt: skip
