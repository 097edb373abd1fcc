"""Time a press through the whole chain: p50 and p99 of each stage, from the event on the wire.

    python -m benchmarks.press [--presses 500]

Stages: the fact is durable; the picture is drawn; the alarm is created, by XProtect's own clock (it
is this machine's); the page has it, as its stream delivers it to a client. What a real browser adds
is measured by `renfort demo --once --json`.
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
from vms_plugin.demo_once import created_at
from vms_plugin.stage import Stage

#: Budgets in milliseconds, p99.
BUDGETS = {"durable": 5.0, "page": 50.0, "alarm": 100.0}


def measure(stage: Stage, places: Places) -> dict[str, list[float]]:
    """Press, close, release; answer the milliseconds of each stage."""
    operator, page = Operator(stage), Page(stage)
    time.sleep(3)  # the inventory comes after the start, and moves the whole territory
    page.start()
    times: dict[str, list[float]] = {"durable": [], "picture": [], "alarm": [], "page": []}
    for turn, place in enumerate(places):
        incident, sent = operator.press(place, turn)
        stages: dict[str, datetime] = {}

        def reached(incident: str = incident, stages: dict[str, datetime] = stages) -> bool:
            stages.update(operator.stages(incident))
            return "shown:milestone" in stages and incident in page.seen

        until(reached)
        alarm = created_at(stage, incident)
        times["durable"].append(since(sent, stages.get("durable")))
        times["picture"].append(since(sent, stages.get("picture")))
        times["alarm"].append(since(sent, datetime.fromisoformat(alarm) if alarm else None))
        times["page"].append(since(sent, page.seen.get(incident)))
        operator.close(incident)
        operator.release(turn)
        time.sleep(PAUSE_S)
    return times


def main() -> int:
    """Print a table; fail when a budget is not kept."""
    presses = options(__doc__, 500).parse_args().presses
    times = on_a_site(measure, presses)
    print(f"{presses} presses; milliseconds from the event on the wire")
    return 0 if table(times, BUDGETS) else 1


if __name__ == "__main__":
    sys.exit(main())
