"""Commands that adapters bring: `renfort <adapter> …`, found by entry point like the adapters.

A command is named by the entry point group `vms_plugin.commands`: a callable
`add(commands, say)` that adds its parser to argparse's `commands`, with `run` set as a default:
`run(options)` answers the exit code. `say(text, **params)` and `say.message(message)` speak the
operators' language. It is imported at every start of `renfort`: it imports its client in `run`.
`options.section_of(config, name)` reads an adapter's section as `configure` receives it.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from hooks.causes import cause, whole
from vms_plugin.i18n import Language
from vms_plugin.settings import read

GROUP = "vms_plugin.commands"


def section_of(config: Path, name: str) -> dict[str, Any]:
    """Read an adapter's section, its secrets out of their files; empty when there is none.

    Raises
    ------
    BadConfigurationError
        The configuration cannot be read.
    """
    section = read(config).adapters.get(name, {})
    return {key: value for key, value in section.items() if key != "enabled"}


def add(commands: Any, say: Language) -> None:
    """Add what is installed; one that fails is named and left out, the others are there."""
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            point.load()(commands, say)
        except Exception as error:  # noqa: BLE001  (a stranger's code; the room must still start)
            left_out = say("the command {name} is left out: {cause}",
                           name=point.name, cause=whole(cause(error)))  # fmt: skip
            sys.stderr.write(left_out + "\n")
