"""Write the commented configuration of a new site, in the language of those who will edit it."""

from __future__ import annotations

import secrets
from importlib.resources import files
from pathlib import Path


def write_configuration(path: Path) -> None:
    """Write a configuration with fresh secrets; `FileExistsError` rather than overwrite one."""
    text = files("vms_plugin").joinpath("templates", "renfort.toml").read_text(encoding="utf-8")
    for inlet in ("crews", "axis", "ineo"):
        text = text.replace(f"@token_{inlet}@", secrets.token_urlsafe(24))
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    path.chmod(0o600)
