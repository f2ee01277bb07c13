"""
Base rates: what is usual for a brand and its products, learned from the brand's own traffic.

Two things are learned, each drawn towards what the tables were fitted on until there is enough traffic:

* how busy a product is beside the others of its brand, by the visitors of its checked items;
* how high the brand's own items score: nearly all of them are genuine, so where more of them than usual score high,
  the score from which an item is flagged rises with them. This keeps the rate of false alarms that a brand asks for.

Whoever opened the link counts for both, as for the judge: a brand whose pages seldom run has visitors like any other.

A counterfeiter must not be able to make copies look usual, so one item counts with few visitors however many it met and
once however high it scores, items that are flagged or under an open alert are left out, a lot that stands out among the
others is left out where scores are counted, and what is learned is bounded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log, sqrt

from authsvc.core.clones.histories import Bustle
from authsvc.core.clones.weights import Model

MOST = 5
"""What one item may add: less than one in a hundred of any product that its own figures, not the prior, decide."""

STRENGTH = 500.0
"""How many checked items the brand's mean stands for in the estimate of a product."""

QUIET_BELOW, BUSY_FROM = 0.92, 1.05
"""
How many visitors after the first one an item of the product meets, in those of the brand.

Beside the brand, not beside the world: where all is scanned half as often, the busiest product is still the busiest.
"""

HIGH = 3.5
"""A score that one in a hundred items reaches: seldom enough to speak of the tail, often enough to count."""

TAIL_STRENGTH = 1_000.0
"""How many judged items the fitted share of high scores stands for: a small brand keeps the fitted threshold."""

STANDS_OUT, SURELY = 2.0, 3.0
"""
A lot stands out when so many times the share of the brand's other lots score high, by so many standard errors: it may
have been copied as a whole, hundreds of items a few times each, none of which is flagged.
"""

LEAST_SHIFT, MOST_SHIFT = -0.1, 2.0
"""
How far a brand's own traffic may move the threshold. Hardly down, since few high scores may be chance; and not far up,
for beyond that it is no habit of owners any more.
"""


@dataclass(frozen=True, slots=True)
class Traffic:
    """
    Checked items of a product or a brand, and their visitors, each item's capped at ``MOST``.

    Of ``judged`` items that are not flagged, ``high`` score ``HIGH`` or more.
    """

    items: int = 0
    visitors: int = 0
    judged: int = 0
    high: int = 0

    def with_item(self, visitors: int) -> "Traffic":
        """Return the traffic with one more item that met so many visitors."""
        return Traffic(self.items + 1, self.visitors + min(visitors, MOST), self.judged, self.high)

    def without_item(self, visitors: int) -> "Traffic":
        """Return the traffic as if the item that is judged, with so many visitors, had not been counted."""
        return Traffic(self.items - 1, self.visitors - min(visitors, MOST), self.judged, self.high)


@dataclass(frozen=True, slots=True)
class Tail:
    """Items that were judged and are not flagged, and how many of them score ``HIGH`` or more."""

    judged: int = 0
    high: int = 0


Lot = tuple[str, str | None]
"""A lot by its product and its number; None holds the items of a product whose lot nobody knows."""


def usual_tails(lots: Mapping[Lot, Tail]) -> dict[str, Tail]:
    """
    Add up the lots of a brand for each product, without those in which far more items score high than in the others.

    At most half of the items are left out, and none whose lot is not known: what holds for most of them is usual.
    """
    kept, whole = dict(lots), _sum(lots.values())
    while numbered := [lot for lot in kept if lot[1] is not None]:
        rest = _sum(kept.values())
        surplus, worst = max((_surplus(kept[lot], rest), lot) for lot in numbered)
        if surplus < SURELY or 2 * (rest.judged - kept[worst].judged) < whole.judged:
            break
        del kept[worst]
    return {gtin: _sum(tail for lot, tail in kept.items() if lot[0] == gtin) for gtin, _ in kept}


def brand_of(products: Mapping[str, Traffic]) -> Traffic:
    """Add up the products of a brand."""
    found = products.values()
    return Traffic(
        sum(each.items for each in found),
        sum(each.visitors for each in found),
        sum(each.judged for each in found),
        sum(each.high for each in found),
    )


def mean_visitors(product: Traffic, brand: Traffic) -> float:
    """Return how many visitors a checked item of the product meets, drawn towards the brand."""
    return (STRENGTH * _mean_of(brand) + product.visitors) / (STRENGTH + product.items)


def bustle(product: Traffic, brand: Traffic) -> Bustle:
    """Return how busy the product is beside the brand as a whole."""
    beside = (mean_visitors(product, brand) - 1.0) / (_mean_of(brand) - 1.0)
    if beside < QUIET_BELOW:
        return Bustle.QUIET
    return Bustle.BUSY if beside >= BUSY_FROM else Bustle.USUAL


def shift(brand: Traffic, model: Model) -> float:
    """
    Return by how much the brand's threshold lies above the fitted one, from how many of its own items score high.

    The tail of scores falls off evenly enough that a share at ``HIGH`` tells where a share a hundred times as small is.
    """
    share = (TAIL_STRENGTH * model.high_share + brand.high) / (TAIL_STRENGTH + brand.judged)
    return min(max(model.high_slope * log(share / model.high_share), LEAST_SHIFT), MOST_SHIFT)


# --- Private ---------------------------------------------------------------------------------------------------------


def _mean_of(brand: Traffic) -> float:
    # The first visitor makes an item a checked one: a mean of exactly one, with nobody after the first, is kept apart.
    return max((STRENGTH * _WORLD_MEAN + brand.visitors) / (STRENGTH + brand.items), 1.001)


def _sum(tails: Iterable[Tail]) -> Tail:
    known = list(tails)
    return Tail(sum(each.judged for each in known), sum(each.high for each in known))


def _surplus(lot: Tail, all_: Tail) -> float:
    """Return by how many standard errors more of *lot* score high than ``STANDS_OUT`` times the share of the others."""
    others = TAIL_STRENGTH * _WORLD_HIGH + all_.high - lot.high
    allowed = STANDS_OUT * lot.judged * others / (TAIL_STRENGTH + all_.judged - lot.judged)
    return (lot.high - allowed) / sqrt(max(allowed, 1.0))


_WORLD_MEAN = 1.96
"""The mean for a brand of which nothing is known yet."""
_WORLD_HIGH = 0.05
"""The share of high scores in a lot of a brand of which nothing is known yet."""
