"""
Logistic regression over everything that our own detector may look at: people, places, times and lifecycle.

It is the strongest of the baselines and the one to beat. Fitted by Newton's method to its exact optimum with a little
ridge, in plain Python: some ten thousand rows of three dozen numbers need no library.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence

from authsvc.core.traces import Event
from authsvc.simulation import DAY, PRODUCTS, REPEAT_S, Life
from authsvc.simulation.geography import distance_km
from benchmarks.clones.detectors import Tier, Unsettled, visible

ROWS = 30_000
"""Rows to fit on; more change nothing that could be measured."""

_SNAPSHOTS = frozenset({1, 2, 3, 5, 8, 13, 20, 35, 60, 100})
"""After which fake scans a copied item gives a row."""


class Inputs:
    """The running inputs of one item."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.last_at: dict[str | None, int] = {}
        self.visitors: set[str] = set()
        self.days: set[tuple[str | None, int]] = set()
        self.countries: dict[str, set[str | None]] = {}
        self.month: deque[int] = deque()
        self.located: Event | None = None
        self.home: tuple[float, float] | None = None
        self.owner: str | None = None
        self.markets: tuple[str, ...] | None = None
        self.commissioned = self.sold = self.registered = self.claimed = self.transferred = False
        self.product = [0.0] * len(PRODUCTS)
        self.scans = self.confirmed = self.far = self.fast = self.relays = self.shared = self.fixed = 0
        self.outside = self.too_early = self.unsold = self.after_owner = self.owner_far = self.foreign_owner = 0
        self.widest = 0.0

    def take(self, event: Event) -> bool:
        """Take in one event; return whether the inputs have changed by a scan."""
        if event.kind != "scan":
            self._take_fact(event)
            return False
        is_repeat = event.at - self.last_at.get(event.visitor, -REPEAT_S) < REPEAT_S
        if event.is_automated or event.visitor is None or is_repeat:
            return False
        self.last_at[event.visitor] = event.at
        if self.first is None:
            self.first = event.at
            self.product = [float(event.gtin == gtin) for gtin, _ in PRODUCTS]
        self.scans += 1
        is_new = event.visitor not in self.visitors
        if is_new:
            self.visitors.add(event.visitor)
            self.month.append(event.at)
            self._take_visitor(event)
        while self.month and self.month[0] < event.at - 30 * DAY:
            self.month.popleft()
        self._take_place(event, is_new=is_new)
        return True

    def vector(self, at: int) -> list[float]:
        """Return the inputs as numbers of a similar size."""
        log = math.log1p
        visitors = len(self.visitors)
        countries = len(self.countries)
        popular = max((len(found) for found in self.countries.values()), default=0)
        return [
            1.0,
            log(self.scans),
            log(visitors),
            visitors / 10,
            log(len(self.days)),
            log(len(self.month)),
            log(self.confirmed),
            log((at - (self.first or at)) / DAY),
            log(max(0, countries - 1)),
            log(visitors - popular),
            log(self.far),
            log(self.fast),
            self.widest / 5_000,
            log(self.relays),
            log(self.shared),
            log(self.fixed),
            log(self.outside),
            log(self.too_early),
            log(self.unsold),
            log(self.after_owner),
            log(self.owner_far),
            log(self.foreign_owner),
            float(self.markets is not None),
            float(self.commissioned),
            float(self.sold),
            float(self.registered),
            float(self.claimed),
            float(self.transferred),
            log(visitors) ** 2,
            log(visitors) * log(max(0, countries - 1)),
            log(visitors) * log(self.outside),
            *self.product[1:],
            *(log(visitors) * each for each in self.product[1:]),
        ]

    def _take_fact(self, event: Event) -> None:
        match event.kind:
            case "commissioned":
                self.commissioned, self.markets = True, event.markets
            case "sold":
                self.sold = True
            case "claimed":
                self.claimed = True
            case "registered":
                self.registered, self.owner = True, event.visitor
            case "transferred":
                self.transferred, self.owner = True, event.visitor

    def _take_visitor(self, event: Event) -> None:
        self.days.add((event.prefix, event.at // DAY))
        self.confirmed += event.is_confirmed
        self.relays += event.network == "relay"
        self.shared += event.channel == "shared"
        self.fixed += event.network == "fixed"
        self.too_early += not self.commissioned
        self.unsold += self.commissioned and not self.sold
        self.after_owner += self.registered and event.visitor != self.owner
        if event.country is not None:
            self.countries.setdefault(event.country, set()).add(event.visitor)
            self.outside += self.markets is not None and event.country not in self.markets
            self.foreign_owner += self.registered and event.country != self._home_country()

    def _take_place(self, event: Event, *, is_new: bool) -> None:
        if event.latitude is None or event.longitude is None:
            return
        here = (event.latitude, event.longitude)
        slack = 600.0 if event.network in {"mobile", "unknown"} else 50.0
        if self.home is None:
            self.home = here
        apart = max(0.0, distance_km(*self.home, *here) - slack - 300.0)
        self.widest = max(self.widest, apart)
        if is_new and apart > 0:
            self.far += 1
            self.owner_far += self.registered and event.visitor != self.owner
        before = self.located
        if before is not None and before.latitude is not None and before.longitude is not None:
            way = distance_km(before.latitude, before.longitude, *here) - slack - 300.0
            self.fast += way > 900 * max(1 / 60, (event.at - before.at) / 3600)
        self.located = event

    def _home_country(self) -> str | None:
        return max(self.countries, key=lambda country: len(self.countries[country]), default=None)


class LogisticRegression(Unsettled):
    """The log-odds that an item is copied, after each scan."""

    name = "logistic regression"

    def __init__(self) -> None:
        self._weights: list[float] = []

    def train(self, lives: Sequence[Life], tier: Tier) -> None:
        """Fit on genuine items as they end, and on copied ones after some of their fake scans."""
        rows: list[tuple[list[float], bool]] = []
        for life in lives:
            rows += _rows(life, tier)
        genuine = [row for row in rows if not row[1]]
        copied = [row for row in rows if row[1]]
        rows = genuine[: ROWS * 2 // 3] + copied[: ROWS // 3]
        self._weights = fit([row for row, _ in rows], [label for _, label in rows])

    def score(self, events: Sequence[Event]) -> Iterator[tuple[int, float]]:
        """Yield the log-odds after each scan that counts."""
        inputs = Inputs()
        for index, event in enumerate(events):
            if inputs.take(event):
                vector = inputs.vector(event.at)
                yield index, sum(map(float.__mul__, vector, self._weights))


def fit(rows: Sequence[Sequence[float]], labels: Sequence[bool], *, ridge: float = 1.0, steps: int = 12) -> list[float]:
    """Return the weights of the most likely logistic model, found by Newton's method."""
    size = len(rows[0])
    weights = [0.0] * size
    for _ in range(steps):
        gradient = [-ridge * w for w in weights]
        hessian = [[0.0] * size for _ in range(size)]
        for row, label in zip(rows, labels, strict=True):
            odds = sum(map(float.__mul__, row, weights))
            chance = 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))
            slope = chance * (1 - chance)
            error = label - chance
            filled = [(n, x) for n, x in enumerate(row) if x]
            for n, x in filled:
                gradient[n] += error * x
                line, bent = hessian[n], slope * x
                for m, y in filled:
                    if m > n:
                        break
                    line[m] += bent * y
        for n in range(size):
            hessian[n][n] += ridge
            for m in range(n):
                hessian[m][n] = hessian[n][m]
        step = _solve(hessian, gradient)
        weights = [w + s for w, s in zip(weights, step, strict=True)]
        if max(map(abs, step)) < 1e-4:
            break
    return weights


def _rows(life: Life, tier: Tier) -> Iterator[tuple[list[float], bool]]:
    events, is_fake = visible(life, tier)
    inputs, fakes, last = Inputs(), 0, None
    for event, fake in zip(events, is_fake, strict=True):
        if inputs.take(event):
            last = event
            fakes += fake
            if fake and fakes in _SNAPSHOTS:
                yield inputs.vector(event.at), True
    if last is not None and life.truth.attack is None:
        yield inputs.vector(last.at), False


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a system with a symmetric, positive definite matrix by elimination."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for n in range(size):
        pivot = rows[n][n]
        for m in range(n + 1, size):
            factor = rows[m][n] / pivot
            if factor:
                rows[m] = [a - factor * b for a, b in zip(rows[m], rows[n], strict=True)]
    found = [0.0] * size
    for n in reversed(range(size)):
        found[n] = (rows[n][size] - sum(rows[n][m] * found[m] for m in range(n + 1, size))) / rows[n][n]
    return found
