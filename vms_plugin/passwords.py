"""What a password must be: long, not one that everybody tries first. Pure, and offline.

Length does the most (CNIL, délibération 2022-100: twelve characters, with a lock-out); composition
rules are not imposed, they breed `Motdepasse1!`. What is refused is what guessing programs try
first: common words with digits and signs around them, keyboards' rows, repetitions, one's own name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise

from hooks import Message

SHORTEST = 12
#: More is no password but an attack on the hash.
LONGEST = 256
DISTINCT = 5

#: Words that passwords are made of in a French town hall, besides the world's own favourites.
_COMMON = frozenset(
    files("vms_plugin").joinpath("common_words.txt").read_text(encoding="ascii").split()
)
_LEET = str.maketrans("01345789@$!€", "oieastbgasie")
_AROUND = "0123456789!?.,;:*-_+/#&@$€ "
_ROWS = ("1234567890", "azertyuiopqsdfghjklmwxcvbn", "qwertyuiopasdfghjklzxcvbnm",
         "abcdefghijklmnopqrstuvwxyz")  # fmt: skip


def fault(password: str, name: str = "") -> Message | None:
    """Say why a password cannot be taken; None: it can."""
    if len(password) < SHORTEST:
        return Message(
            text="A password has at least {count} characters.", params={"count": SHORTEST}
        )
    if len(password) > LONGEST:
        return Message(text="A password has at most {count} characters.", params={"count": LONGEST})
    return next(_guessable(_plain(password), _letters(_plain(name))), None)


def _guessable(plain: str, own: str) -> Iterator[Message]:
    """Say what makes it one of the first that a guessing program tries."""
    core = plain.strip(_AROUND)
    readings = {_letters(plain), _letters(core.translate(_LEET))}
    if len(set(plain)) < DISTINCT:
        yield Message(text="This password repeats itself: choose several words.")
    if _runs(plain):
        yield Message(text="This password follows the keyboard or the alphabet: choose words.")
    if len(own) >= 3 and any(own in each and len(each) - len(own) < 6 for each in readings):
        yield Message(text="This password is made of your own name: choose another.")
    if any(map(_common, readings)):
        yield Message(text="This password is among those tried first: choose several rare words.")


def _plain(text: str) -> str:
    """Write in lower case, without accents."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in split if not unicodedata.combining(sign))


def _letters(text: str) -> str:
    return "".join(sign for sign in text if sign.isalpha())


def _common(letters: str) -> bool:
    """Whether it is nothing but common words, one after another."""
    reached = {0}
    for end in range(1, len(letters) + 1):
        if any(letters[start:end] in _COMMON for start in reached):
            reached.add(end)
    return len(letters) in reached


def _runs(plain: str) -> bool:
    """Whether most of it goes along a keyboard's row or the alphabet, either way."""
    steps = 0
    for one, next_one in pairwise(plain):
        pair = one + next_one
        steps += any(pair in row or pair[::-1] in row for row in _ROWS)
    return steps >= 0.7 * (len(plain) - 1)
