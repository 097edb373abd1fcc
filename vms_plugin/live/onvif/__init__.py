"""An ONVIF device (Profile S essentials) whose channels are officers: any VMS can add it."""

from vms_plugin.live.onvif.server import OnvifServer

__all__ = ["OnvifServer"]
