"""What the console says of a run: of which kind its codes are, as an operator calls it."""

from collections.abc import Mapping
from typing import Final

from authsvc.issuing import Mode

KINDS: Final[Mapping[str, str]] = {
    Mode.DERIVED.value: "Derived serials",
    Mode.RANDOM.value: "Random serials",
    Mode.IMPORTED.value: "Imported serials",
    Mode.LOT.value: "Batch",
    Mode.SSCC.value: "Case (SSCC)",
}
"""By the mode that is stored."""
