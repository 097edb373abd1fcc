"""Time a press to the hypervisor, and its acknowledgement back to the page: p50 and p99.

    python -m benchmarks.hypervisor [--presses 300]

picture: the host has drawn it, and begins to tell everyone. alert: the simulated hypervisor has
received the CAP Alert, by its own clock (it is this machine's), counted from the event on the wire;
every one is judged by the OASIS schema. ack: the page's stream says that reception is confirmed,
counted from the same moment; the hypervisor acknowledges at once, by a message to the inlet.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime

from benchmarks.chain import (
    PAUSE_S,
    Operator,
    Page,
    Places,
    on_a_site,
    options,
    since,
    table,
    until,
)
from vms_plugin.stage import Stage

#: Budgets in milliseconds, p99.
BUDGETS = {"alert": 100.0}


def measure(stage: Stage, places: Places) -> dict[str, list[float]]:
    """Press, wait for the acknowledgement, close, release."""
    operator = Operator(stage)
    time.sleep(3)  # the inventory comes after the start, and moves the whole territory
    page = Page(stage, lambda picture: picture["receivedBy"])
    page.start()
    pressed: dict[str, datetime] = {}
    drawn: dict[str, datetime] = {}
    for turn, place in enumerate(places):
        incident, pressed_at = operator.press(place, turn)
        pressed[incident] = pressed_at
        until(lambda incident=incident: incident in page.seen)  # type: ignore[misc]
        drawn[incident] = operator.stages(incident)["picture"]
        operator.close(incident)
        operator.release(turn)
        time.sleep(PAUSE_S)
    arrived = _arrived(stage)
    return {
        "picture": [since(at, drawn[name]) for name, at in pressed.items()],
        "alert": [since(at, arrived.get(_escaped(name))) for name, at in pressed.items()],
        "ack": [since(at, page.seen.get(name)) for name, at in pressed.items()],
    }


def _arrived(stage: Stage) -> dict[str, datetime]:
    """Read when each Alert arrived; any message that is not valid ends it all."""
    messages = stage.told()
    wrong = [each["why"] for each in messages if not each["valid"]]
    if wrong:
        raise SystemExit(f"not valid by the OASIS schema: {wrong[0]}")
    return {
        each["fields"]["incidents"]: datetime.fromisoformat(each["at"])
        for each in messages
        if each["kind"] == "Alert"
    }


def _escaped(incident: str) -> str:
    """Write an incident as its messages name it."""
    return "".join(c if c.isalnum() or c == "-" else f"_{ord(c):02X}" for c in incident)


def main() -> int:
    """Print a table; fail when a budget is not kept."""
    presses = options(__doc__, 300).parse_args().presses
    times = on_a_site(measure, presses, hypervisor=("--ack", "push"))
    print(f"{presses} presses; milliseconds from the event on the wire")
    return 0 if table(times, BUDGETS) else 1


if __name__ == "__main__":
    sys.exit(main())
