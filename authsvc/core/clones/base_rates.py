"""
Base rates: how many visitors a checked item of one product usually meets, learned from the brand's own traffic.

Counts of visitors are Poisson, their means differ from product to product by a gamma law: an empirical Bayes estimate
that draws a product with few checked items towards its brand. A counterfeiter must not be able to make copies look
usual, so one item counts with few visitors however many it met, items under an open alert are left out, and whoever
judges an item takes it out first.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from authsvc.core.clones.histories import Bustle

MOST = 8
"""What one item may add: less than one in a hundred of any product that its own figures, not the prior, decide."""

STRENGTH = 500.0
"""How many checked items the brand's mean stands for in the estimate of a product."""

QUIET_BELOW, BUSY_FROM = 1.9, 2.05
"""Means at which the tables were learned: one product in four of the simulated brand lies below, one above."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Checked items of a product or a brand, and their visitors, each item's capped at ``MOST``."""

    items: int = 0
    visitors: int = 0

    def with_item(self, visitors: int) -> "Traffic":
        """Return the traffic with one more item that met so many visitors."""
        return Traffic(self.items + 1, self.visitors + min(visitors, MOST))

    def without_item(self, visitors: int) -> "Traffic":
        """Return the traffic as if the item that is judged, with so many visitors, had not been counted."""
        return Traffic(self.items - 1, self.visitors - min(visitors, MOST))


def brand_of(products: Mapping[str, Traffic]) -> Traffic:
    """Add up the products of a brand."""
    return Traffic(sum(each.items for each in products.values()), sum(each.visitors for each in products.values()))


def mean_visitors(product: Traffic, brand: Traffic) -> float:
    """Return how many visitors a checked item of the product meets, drawn towards the brand."""
    prior = (STRENGTH * _WORLD_MEAN + brand.visitors) / (STRENGTH + brand.items)
    return (STRENGTH * prior + product.visitors) / (STRENGTH + product.items)


def bustle(product: Traffic, brand: Traffic) -> Bustle:
    """Return how busy the product is."""
    mean = mean_visitors(product, brand)
    if mean < QUIET_BELOW:
        return Bustle.QUIET
    return Bustle.BUSY if mean >= BUSY_FROM else Bustle.USUAL


_WORLD_MEAN = 2.02
"""The mean for a brand of which nothing is known yet."""
