"""Write down the contract as released, in hooks/contract.txt: hooks, fields, values, errors."""

from __future__ import annotations

import inspect
import sys
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path

import hooks
from hooks import adapter, basics, errors, facts, live, picture, recordings, specs, town


def lines() -> list[str]:
    """List the contract, one line a promise."""
    written = [f"contract {hooks.CONTRACT}", ""]
    for name, function in sorted(inspect.getmembers(specs, inspect.isfunction)):
        if hasattr(function, f"{hooks.PROJECT}_spec"):
            written.append(f"hook {name}{inspect.signature(function)}")
    modules = (basics, facts, town, picture, live, recordings, adapter)
    homes = tuple(module.__name__ for module in modules)
    crossing = {name: kind for module in modules for name, kind in vars(module).items()}
    for name, kind in sorted(crossing.items()):
        if not inspect.isclass(kind) or kind.__module__ not in homes or name.startswith("_"):
            continue
        if is_dataclass(kind):
            written += [f"field {name}.{each.name}: {each.type}" for each in fields(kind)]
        elif issubclass(kind, Enum):
            written += [f"value {name}.{each.name} = {each.value}" for each in kind]
    written += [f"error {name}" for name in sorted(errors.__all__)]
    return written


if __name__ == "__main__":
    text = "\n".join(lines()) + "\n"
    if "--print" in sys.argv:
        sys.stdout.write(text)
    else:
        Path(hooks.__file__).with_name("contract.txt").write_text(text, encoding="utf-8")
