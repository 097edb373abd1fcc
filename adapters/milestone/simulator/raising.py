"""From events to alarms: an alarm definition whose event type and sources match makes one."""

from __future__ import annotations

from typing import Any

from adapters.milestone.simulator import alarms
from adapters.milestone.simulator.analytics import Event
from adapters.milestone.simulator.inventory import Camera
from adapters.milestone.simulator.shelf import Item
from adapters.milestone.simulator.site import Alarm, Site


def analytics(site: Site, message: str) -> str | None:
    """Find the analytics event of this name: the schema says that messages match by it."""
    for each in site.shelf.of("analyticsEvents"):
        if each.fields["name"] == message:
            return each.id
    return None


def happen(site: Site, kind: str, source: Camera, said: Event) -> None:
    """Let an analytics event happen: stored, pushed, and made an alarm where one is defined."""
    references = [{"type": "cameras", "id": each} for each in said.related]
    data: dict[str, Any] = {
        "message": said.message, "description": said.description, "location": said.location,
        "customTag": said.tag, "type": said.kind, "references": references,
        "vendor": {"customData": said.vendor},
    }  # fmt: skip
    event = site.happen(kind, f"cameras/{source.id}", datatype="analyticsEvent", data=data)
    follow(site, source, said, event)


def follow(site: Site, source: Camera, said: Event, event: dict[str, Any]) -> None:
    """Raise the alarms that are defined for an event."""
    for definition in site.shelf.of("alarmDefinitions"):
        if _matches(site, definition, event["type"], source):
            _raise(site, definition, source, said, event)


def _matches(site: Site, definition: Item, kind: str, source: Camera) -> bool:
    fields = definition.fields
    if not fields["enabled"] or fields["eventType"].lower() != kind:
        return False
    named = {each["id"].lower() for each in fields["sourceList"]}
    groups = [each for each in site.shelf.of("cameraGroups") if each.id in named]
    inside = {member for group in groups for member in group.fields["members"]}
    return not named or source.id in named | inside


def _raise(
    site: Site, definition: Item, source: Camera, said: Event, event: dict[str, Any]
) -> None:
    fields = definition.fields
    static = [str(each["id"]).lower() for each in fields["relatedCameraList"]]
    # The schema: cameras referred to "will be treated as related cameras in the Smart Client".
    related = list(dict.fromkeys([*said.related, *static]))
    priority = [each for each in alarms.PRIORITIES if each["id"] == fields["priority"].lower()]
    alarm = alarms.write_new(site, str(fields["name"]), said.message, source)
    alarm |= {
        "priority": priority[0] if priority else alarm["priority"], "description": said.description,
        "location": said.location, "tag": said.tag, "eventId": event["id"],
        "references": [{"type": "cameras", "id": each} for each in related],
    }  # fmt: skip
    made = Alarm(str(alarm["id"]), alarm)
    site.note(made, {"created": True, "message": said.message})
