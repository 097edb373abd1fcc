"""The page's own words, by the name its scripts use; the catalogue translates them."""

from __future__ import annotations


def _(text: str) -> str:
    """Mark a sentence for the catalogue; it is said later, in the operators' language."""
    return text


WORDS = {
    "new": _("new"),
    "taken": _("taken in charge"),
    "engaged": _("reinforcement engaged"),
    "closed": _("closed"),
    "take": _("Take in charge"),
    "close": _("Close"),
    "release": _("Call back"),
    "engage": _("Engage"),
    "confirmClose": _("How did it end?"),
    "outcomes": _("Resolved|False alarm|Mistake|Handed over"),
    "cancel": _("Cancel"),
    "quiet": _("No alert. The chain is watched."),
    "noSelection": _("Choose an alert to see its place."),
    "cameras": _("Cameras"),
    "crews": _("Reinforcements"),
    "missing": _("What is missing"),
    "since": _("since {time}"),
    "ageUnknown": _("age unknown"),
    "lastKnown": _("Last known position, {age} ago"),
    "lastKnownUnknown": _("Last known position, of unknown age"),
    "positionAge": _("position {age} old"),
    "positionUnknown": _("Position unknown: click on the map to place him"),
    "accuracy": _("within {metres} m"),
    "accuracyUnknown": _("accuracy unknown"),
    "placed": _("placed by an operator"),
    "linkLost": _("camera without link"),
    "ended": _("activation over since {time}"),
    "owner": _("in charge: {name}"),
    "closedBy": _("closed by {name}: {outcome}"),
    "engagedCrew": _("engaged"),
    "lost": _("Link with Renfort lost since {time}. What is shown may be out of date."),
    "refused": _("Not recorded: {why}"),
    "unreachable": _("Renfort does not answer. Try again."),
    "soundOff": _("Sound is off: click to turn it on"),
    "soundOn": _("Sound on"),
    "exercise": _("EXERCISE"),
    "alertTitle": _("ALERT"),
    "seconds": _("{n} s"),
    "minutes": _("{n} min"),
    "hours": _("{n} h"),
    "noAdapter": _("no adapter in use"),
}
