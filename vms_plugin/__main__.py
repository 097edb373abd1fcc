"""Run `python -m vms_plugin` where the command `renfort` is not on the path."""

import sys

from vms_plugin.cli import main

sys.exit(main())
