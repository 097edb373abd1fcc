"""What can go wrong in an adapter: four errors, because four different things then happen.

::

    AdapterError                  a sentence and its parameters; the host translates it
    ├── BadSettings               a person must edit the configuration
    ├── Unreachable               try again later
    ├── Refused                   credentials or rights; trying again will not help
    └── Malformed                 bytes nobody understands; the host keeps them

The sentence is a constant English template: it is the message id of the host's catalogue, so the
operator reads French. Values go in the parameters, never into the sentence:

    raise Unreachable("{host} does not answer", host=host) from error
"""

from __future__ import annotations

__all__ = ["AdapterError", "BadSettings", "Malformed", "Refused", "Unreachable"]


class AdapterError(Exception):
    """An adapter cannot do what was asked; `text` with `params` says why, to a person."""

    def __init__(self, text: str, /, **params: object) -> None:
        super().__init__(text)
        self.text = text
        self.params = params

    def __str__(self) -> str:
        return self.text.format(**self.params)


class BadSettings(AdapterError):
    """A setting is missing or wrong: names the field, its value, and what to write instead."""

    def __init__(self, field: str, value: object, remedy: str, /, **params: object) -> None:
        super().__init__(remedy, **params)
        self.field = field
        self.value = value

    def __str__(self) -> str:
        return f"{self.field} = {shown(self.field, self.value)}: {super().__str__()}"


class Unreachable(AdapterError):
    """The other side does not answer, or answers that it cannot now. Worth trying again."""


class Refused(AdapterError):
    """The other side refuses: credentials, rights, licence. A person must act."""


class Malformed(AdapterError):
    """A message meant for this adapter is not understood.

    Names the field, the value and the remedy, so that the journal's line is enough to act on.
    """

    def __init__(self, field: str, value: object, remedy: str, /, **params: object) -> None:
        super().__init__(remedy, **params)
        self.field = field
        self.value = value

    def __str__(self) -> str:
        return f"{self.field} = {shown(self.field, self.value)}: {super().__str__()}"


def shown(field: str, value: object) -> str:
    """Write a value so that a hostile one does not fill a log line, nor a secret end up in it."""
    if value is not None and any(word in field.lower() for word in _SECRET):
        return "…"
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


_SECRET = ("password", "token", "secret")
