"""The officer's live picture and sound: fetched once, fanned out to those entitled, never kept.

Nothing here writes a file, and nothing looks back: a viewer who comes sees from now on. CSI
R241-13 forbids a second recording at the command post, so there is none to forbid.
"""

from vms_plugin.live.relay import Relay

__all__ = ["Relay"]
