"""The words of argparse, in the language of whoever types.

It asks `gettext` for them by the environment's language, of which a Windows service has none; so it
is given our catalogue.
"""

from __future__ import annotations

import argparse

from vms_plugin.i18n import Language


def _(text: str) -> str:
    """Mark words of argparse's for our catalogue."""
    return text


#: What it may say of a command line. Its other words are for programmers.
WORDS = (
    _("usage: "),
    _("positional arguments"),
    _("options"),
    _("show this help message and exit"),
    _("%(prog)s: error: %(message)s\n"),
    _("argument %(argument_name)s: %(message)s"),
    _("the following arguments are required: %s"),
    _("one of the arguments %s is required"),
    _("not allowed with argument %s"),
    _("unrecognized arguments: %s"),
    _("ambiguous option: %(option)s could match %(matches)s"),
    _("expected one argument"),
    _("expected at most one argument"),
    _("expected at least one argument"),
    _("ignored explicit argument %r"),
    _("invalid %(type)s value: %(value)r"),
    _("invalid choice: %(value)r (choose from %(choices)s)"),
    _("can't open '%(filename)s': %(error)s"),
)


def speak(say: Language) -> None:
    """Have every command line of this process say its own words by this language."""
    vars(argparse)["_"] = say
