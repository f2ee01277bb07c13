"""
Base rates: what is usual for a brand and its products, learned from the brand's own traffic.

Two things are learned, each drawn towards what the tables were fitted on until there is enough traffic:

* how busy a product is beside the others of its brand, by the visitors of its checked items;
* how high the brand's own items score: nearly all of them are genuine, so where more of them than usual score high,
  the score from which an item is flagged rises with them. This keeps the rate of false alarms that a brand asks for.

A counterfeiter must not be able to make copies look usual, so one item counts with few visitors however many it met and
once however high it scores, items that are flagged or under an open alert are left out, and what is learned is bounded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from authsvc.core.clones.histories import Bustle
from authsvc.core.clones.weights import Model

MOST = 8
"""What one item may add: less than one in a hundred of any product that its own figures, not the prior, decide."""

STRENGTH = 500.0
"""How many checked items the brand's mean stands for in the estimate of a product."""

QUIET_BELOW, BUSY_FROM = 0.8, 1.05
"""
How many visitors after the first one an item of the product meets, in those of the brand.

Beside the brand, not beside the world: where all is scanned half as often, the busiest product is still the busiest.
"""

HIGH = 2.5
"""A score that a few in a hundred genuine items reach: seldom enough to speak of the tail, often enough to count."""

TAIL_STRENGTH = 1_000.0
"""How many judged items the fitted share of high scores stands for: a small brand keeps the fitted threshold."""

LEAST_SHIFT, MOST_SHIFT = -0.3, 2.0
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

    def with_score(self, score: float) -> "Traffic":
        """Return the traffic with one more item that was judged."""
        return Traffic(self.items, self.visitors, self.judged + 1, self.high + (score >= HIGH))

    def without_item(self, visitors: int) -> "Traffic":
        """Return the traffic as if the item that is judged, with so many visitors, had not been counted."""
        return Traffic(self.items - 1, self.visitors - min(visitors, MOST), self.judged, self.high)


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


_WORLD_MEAN = 2.02
"""The mean for a brand of which nothing is known yet."""
