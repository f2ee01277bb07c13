"""What the console says of a run: of which kind its codes are, and what was done with it, as an operator calls it."""

from collections.abc import Mapping
from typing import Any, Final

from authsvc.audit import Event
from authsvc.issuing import Mode

KINDS: Final[Mapping[str, str]] = {
    Mode.DERIVED.value: "Derived serials",
    Mode.RANDOM.value: "Random serials",
    Mode.IMPORTED.value: "Imported serials",
    Mode.LOT.value: "Batch",
    Mode.SSCC.value: "Case (SSCC)",
}
"""By the mode that is stored."""

_ACTS: Final[Mapping[str, str]] = {
    "run.order": "Ordered", "run.approve": "Approved", "run.refuse": "Refused", "run.cancel": "Called off",
    "run.open": "Begun", "run.issue": "Issued", "run.fail": "Failed", "run.download": "Downloaded",
    "run.labels": "Labels laid out", "run.commission": "Commissioned", "run.void": "Voided",
}  # fmt: skip
_SAID_ABOVE: Final = frozenset({"gtin", "lot", "mode", "order", "run", "sha256"})
"""What the page of a run says anyway, and what is for programs."""
_COUNTED: Final[Mapping[str, str]] = {"count": "code", "codes": "code", "labels": "label"}


def told(event: Event) -> str:
    """Say in a line what was done with a run, and by whom."""
    details: dict[str, Any] = {
        name: value for name, value in event.details.items() if name not in _SAID_ABOVE and value not in (None, "")
    }
    first, last = (details.pop(given, details.pop(name, None)) for given, name in (("from", "first"), ("to", "last")))
    said = [_counted(details.pop(name), noun) for name, noun in _COUNTED.items() if isinstance(details.get(name), int)]
    if first is not None or last is not None:
        said.append(f"from code {first or 0} to {'the last' if last is None else last}")
    said += [f"{name.replace('_', ' ')}: {value}" for name, value in details.items()]
    done = f"{_ACTS.get(event.act, event.act)} by {event.actor.name.partition(' <')[0]}"
    return f"{done}: {'; '.join(said)}" if said else done


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
