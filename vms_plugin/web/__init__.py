"""The page and its doors: closed from the first day."""

from vms_plugin.web.app import build

__all__ = ["build"]
