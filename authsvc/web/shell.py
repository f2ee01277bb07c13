"""
What stands around every page of the console: navigation, brand, person, notices. Values only; the template draws them.

``templates/console/base.html`` expects one ``Shell`` under the name ``shell``. It holds what one signed-in person may
see: a link that is not allowed is left out by whoever makes the shell, never hidden by the template.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class NavLink:
    """
    One entry of a menu. ``icon`` is a name of ``console/icons.html``; ``count_of`` completes "7" to "7 open".

    Above ``most`` a count is not told: 99+.
    """

    name: str
    href: str
    icon: str = "dot"
    count: int | None = None
    count_of: str = "open"
    most: int | None = None
    is_current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NavGroup:
    """Entries that belong together; the first group needs no title."""

    links: tuple[NavLink, ...]
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The signed-in member of staff, as the menu at the foot of the side bar names them."""

    name: str
    role: str
    links: tuple[NavLink, ...] = ()

    @property
    def initials(self) -> str:
        """At most two letters that stand in the round mark beside the name."""
        words = self.name.replace("@", " ").split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """
    A message above the page: what was just done, or what everybody must know.

    With ``undo`` (the address of a POST) it carries an Undo button, and ``until`` says how long that works.
    """

    text: str
    tone: str = "ok"
    undo: str | None = None
    until: str | None = None
    hidden: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """
    See the module.

    ``brands`` are the other brands of this person, as links; without any there is no switcher. ``sign_out`` is the
    address of a POST, sent with ``hidden``, which holds the form token.
    """

    brand: str
    groups: tuple[NavGroup, ...]
    person: Person
    sign_out: str
    home: str = "/console/"
    brands: tuple[NavLink, ...] = ()
    notices: tuple[Notice, ...] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
