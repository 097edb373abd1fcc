"""Write the integrators' page of hooks from their own docstrings, so that it cannot lie.

python tools/reference.py [--print]
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

from hooks import errors, specs

PAGE = Path(__file__).parents[1] / "docs" / "integrators" / "hooks.md"
HEAD = """\
# The hooks

*This page is written by `tools/reference.py` from `hooks/specs.py`; edit the docstrings.*

{module}

The types that cross stand by subject, each field with its unit:
[`basics`](../../hooks/basics.py), [`facts`](../../hooks/facts.py), [`town`](../../hooks/town.py),
[`picture`](../../hooks/picture.py), [`live`](../../hooks/live.py),
[`recordings`](../../hooks/recordings.py),
[`adapter`](../../hooks/adapter.py). The contract as released, line by line, is
[`hooks/contract.txt`](../../hooks/contract.txt).
[`hooks/testing.py`](../../hooks/testing.py) tries an adapter against it, and the
[tutorial](tutorial/README.md) builds one.
"""


def page() -> str:
    """Write the page: hooks in the order of the source, grouped by when they are called."""
    source = inspect.getsource(specs)
    parts = [HEAD.format(module=inspect.getdoc(specs))]
    for line in source.splitlines():
        if match := re.match(r"# --- (.*) ---", line):
            parts.append(f"## {match[1]}\n")
        elif match := re.match(r"def (\w+)\(", line):
            function = getattr(specs, match[1])
            parts.append(_hook(match[1], function))
    parts.append(f"## Errors\n\n{_code(inspect.getdoc(errors) or '')}")
    return "\n".join(parts).rstrip() + "\n"


def _hook(name: str, function: object) -> str:
    signature = inspect.signature(function)  # type: ignore[arg-type]
    arguments = ", ".join(signature.parameters)
    answer = str(signature.return_annotation).strip("'")
    text = _code(inspect.getdoc(function) or "")
    return f"### `{name}({arguments})`\n\nAnswers `{answer}`.\n\n{text}\n"


def _code(text: str) -> str:
    """Turn indented examples into fenced ones."""
    out: list[str] = []
    fenced = False
    for line in text.splitlines():
        indented = line.startswith("    ")
        if indented and not fenced:
            out.append("```python")
            fenced = True
        elif fenced and line and not indented:
            while out and not out[-1]:
                out.pop()
            out += ["```", ""]
            fenced = False
        out.append(line[4:] if fenced and indented else line)
    if fenced:
        out.append("```")
    return "\n".join(out)


if __name__ == "__main__":
    if "--print" in sys.argv:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page(), encoding="utf-8")
