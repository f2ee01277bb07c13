"""
The rates of the simulated world, every one of them in one place.

Nobody has published how often labels are scanned, shared or copied, so **every rate here is assumed**: chosen from how
phones, networks and shops work, set so that a few simple detectors give about what an earlier pilot found with them,
and never fitted to what our own detector makes of them. That is why the benchmark varies each of them by half and by
double and prints the worst. A world is part of what a figure means: change one and every published figure is void until
it is measured anew.
"""

from dataclasses import dataclass, fields, replace
from typing import Self

from authsvc.errors import BadInput

DAY = 86_400
START = 1_767_571_200
"""2026-01-05T00:00:00Z, a Monday: when the first lot leaves the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """
    What the simulated people, networks and counterfeiters do. Source of every figure: assumed.

    A share is a probability of 0 to 1; a mean, a median and a number of days say so in their name or sentence.
    """

    # --- The brand and its goods ---
    days: int = 730
    """Length of the trace in days; lots leave the line during the first half."""
    lot_size: int = 1_000
    """Items in one lot."""
    markets_known: float = 0.95
    """Share of lots whose intended markets the brand records: a field of the upload that commissions them."""
    late_commissioning: float = 0.02
    """Share of lots whose commissioning reaches the service late, by days: an upload that failed."""
    shelf_days: float = 60.0
    """Mean days between the factory's gate and the sale."""
    sale_recorded: float = 0.9
    """Share of sales that the shop reports: a till that scans the code anyway, or a dealer who is paid by it."""
    grey_trade: float = 0.02
    """Share of items sold outside their markets by parallel trade: genuine goods, wrong country."""

    # --- Before the sale ---
    browsed: float = 0.10
    """Share of items that shoppers check in the shop and do not buy."""
    browsers: float = 1.3
    """Mean number of such shoppers for an item that is checked at all."""
    on_display: float = 0.0005
    """Share of items that are the shop's display piece."""
    display_browsers: float = 8.0
    """Mean number of shoppers who check a display piece, with a long tail."""
    companion: float = 0.20
    """Chance that somebody beside the one who scans, in the shop or at the unboxing, scans within minutes too."""

    # --- Owners ---
    owner_checks: float = 0.33
    """Share of buyers who scan at all."""
    returns: float = 0.3
    """Mean number of later scans by an owner who scanned once."""
    tourist_buyer: float = 0.05
    """Share of buyers who live in another country than the shop."""
    gift: float = 0.12
    """Share of items given away: a second person scans at home."""
    gift_abroad: float = 0.10
    """Share of gifts that leave the country."""
    household: float = 0.15
    """Chance that a scanning owner has another scanning phone at home; and again, for the next one."""
    friends: float = 0.08
    """Chance that an owner shows the item to somebody who scans it; and again."""
    travel: float = 0.08
    """Chance that a later scan of an owner happens while travelling."""
    registers: float = 0.5
    """Share of scanning owners who register: those who scan already have the page with the warranty before them."""
    claim_code: float = 0.6
    """Share of registrations with the hidden claim code."""
    repair: float = 0.02
    """Share of owned items that a workshop scans, with a phone that nobody has declared as trusted."""

    # --- Resale and sharing ---
    resale: float = 0.04
    """Share of sold items that are offered again; a second buyer may offer them once more."""
    photo_legible: float = 0.25
    """Share of resale listings whose photograph shows a code that strangers can scan."""
    listing_strangers: float = 2.5
    """Mean number of strangers who scan such a photograph."""
    resold_abroad: float = 0.15
    """Share of second buyers in another country."""
    transfer: float = 0.35
    """Share of resales that are done through the service."""
    raw_share: float = 0.008
    """Chance that a scan's raw link, not its receipt, is passed on: preview bots come, and a few friends."""
    share_marked: float = 0.6
    """Share of the openings of a raw link that can be recognised as shared."""
    viral: float = 0.00002
    """Share of sold items whose code is shown to a multitude: hundreds of scans from everywhere within days."""

    # --- Phones and browsers ---
    cookie_days: float = 30.0
    """Days after which the visitor's cookie has ended: what the service sets."""
    cookie_loss: float = 0.10
    """Chance that it is lost earlier: cleared, another browser, another app's web view."""
    private: float = 0.05
    """Share of people who browse privately: a new visitor every time."""
    reload: float = 0.12
    """Chance that a scan is repeated within minutes."""
    switched: float = 0.7
    """Share of such repeats over another network than the scan: the phone has left the shop or found its WLAN."""
    prefetch: float = 0.04
    """Chance that an app fetches the link before the person opens it."""
    confirmed: float = 0.93
    """Share of scans whose page ran."""

    # --- What is seen of a place ---
    fixed_line: float = 0.25
    """Share of scans at home or in a shop that go over a fixed line."""
    fixed_error_km: float = 10.0
    """Median error of the place of a fixed line."""
    mobile_error_km: float = 190.0
    """Median error of the place of a mobile network; lognormal, so 5 % err by more than 800 km."""
    wrong_country_fixed: float = 0.01
    """Share of scans over a fixed line that are placed in a wrong country."""
    wrong_country_mobile: float = 0.03
    """The same over a mobile network."""
    home_routed: float = 0.6
    """Share of roaming scans that leave the network at home, abroad from where the phone is."""
    relay: float = 0.06
    """Share of people behind a relay or VPN."""
    relay_known: float = 0.75
    """Share of their scans that are recognised as such; the others seem to come from the exit."""
    unlocated: float = 0.02
    """Share of scans without any place."""
    place_detail: float = 1.0
    """Share of scans that are placed in a city; the others have a country's centre and radius."""

    # --- Counterfeiters ---
    many_copies: float = 0.006
    """Share of items of which one serial is copied 5 to 500 times and sold over months."""
    before_sale: float = 0.002
    """Share of items that are copied before they are sold or even commissioned: a leak, a photograph in the shop."""
    diluted: float = 0.003
    """Share of items that are copied a few times only, to stay below a threshold."""
    lots_copied: float = 0.005
    """Share of lots of which 500 serials are copied three times each."""
    fake_checked: float = 0.35
    """Mean number of people who scan one fake: onlookers, the buyer, the buyer's household."""
    fake_returns: float = 0.4
    """Mean number of later scans by such a person."""
    fake_registered: float = 0.05
    """Chance that the buyer of a fake registers it, where nobody has yet."""
    fakes_nearby: float = 0.5
    """Share of counterfeiters who sell in the region of the genuine item, the others somewhere else."""
    fake_months: float = 8.0
    """Mean length of a counterfeiter's campaign in months."""

    @classmethod
    def rates(cls) -> tuple[str, ...]:
        """Name every figure that may be varied."""
        return tuple(each.name for each in fields(cls) if each.type is float)

    def scaled(self, name: str, factor: float) -> Self:
        """
        Return the world in which one rate is *factor* times as high; a share stops at 1.

        Raises:
            BadInput: There is no such rate.
        """
        if name not in self.rates():
            raise BadInput(f"The world has no rate {name!r}; it has {', '.join(self.rates())}.")
        value = getattr(self, name) * factor
        changed: dict[str, float] = {name: value if name in _UNBOUNDED else min(value, _LIMITS.get(name, 1.0))}
        return replace(self, **changed)  # type: ignore[arg-type]


_UNBOUNDED = frozenset({
    "shelf_days", "browsers", "display_browsers", "returns", "listing_strangers", "cookie_days", "fixed_error_km",
    "mobile_error_km", "fake_checked", "fake_returns", "fake_months",
})  # fmt: skip

_LIMITS = {"household": 0.8, "friends": 0.8, "resale": 0.8}
"""Chances that are tried again after each success: at 1 they would never end."""
