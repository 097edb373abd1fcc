"""Rules: an event that starts one makes cameras record, as far as an adapter needs to see it.

How REST writes a rule's event and devices is not published: `startEvent` and `startDevices` are
ours, and a rule without them never starts.
"""

from __future__ import annotations

from typing import Any

from adapters.milestone.simulator.catalogue import RECORDING, state_changed
from adapters.milestone.simulator.site import Site


def fire(site: Site, event: dict[str, Any]) -> list[str]:
    """Start the rules that wait for this event; which cameras record because of it."""
    started: list[str] = []
    for rule in site.shelf.of("rules"):
        fields = rule.fields
        waits = (fields.get("startEvent") or {}).get("id") == event["type"]
        if waits and fields.get("enabled") and "StartRecording" in fields.get("startActions", ()):
            started += _cameras(site, fields.get("startDevices") or [])
    for camera in started:
        state_changed(site, camera, RECORDING)
    return started


def _cameras(site: Site, named: list[dict[str, str]]) -> list[str]:
    groups = [site.shelf.find("cameraGroups", each["id"]) for each in named]
    inside = [member for group in groups if group for member in group.fields["members"]]
    wanted = [each["id"] for each in named if each["type"] == "cameras"] + inside
    known = [site.cameras[each] for each in dict.fromkeys(wanted) if each in site.cameras]
    return [each.id for each in known if each.enabled and each.online]
