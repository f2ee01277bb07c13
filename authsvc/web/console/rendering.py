"""
The pages of the console: values in, HTML out, with the frame that belongs to who is signed in.

Templates are the application's own; ``web/rendering.py`` has their filters and globals. The navigation holds what the
person may open: an entry is there once a page declares it and the role suffices.
"""

from collections.abc import Iterator
from typing import Any

from flask import current_app, g, render_template, request, url_for

from authsvc import alert_lists
from authsvc.errors import Unavailable
from authsvc.web.console import guard
from authsvc.web.shell import NavGroup, NavLink, Notice, Person, Shell

NAVIGATION = (
    (None, (("Overview", "overview"), ("Alerts", "alert"), ("Cases", "case"), ("Items", "serial"),
            ("Reports", "report"), ("Rules", "rules"), ("Exports", "export"))),
    ("Operations", (("Advisor", "chart"), ("Products", "product"), ("Runs", "label"), ("Recalls", "recall"),
                    ("Lines", "tick"), ("Links", "link"), ("Disputes", "transfer"), ("Owners", "person"),
                    ("Dealers", "people"), ("Devices", "device"), ("Webhooks", "webhook"))),
    ("Brand", (("Team", "people"), ("API keys", "key"), ("Sandbox", "inbox"), ("Audit", "audit"))),
)  # fmt: skip
"""Every entry of the side bar, in its order, with its icon."""

MOST_NEW = 99


def show(template: str, *, title: str, **values: Any) -> str:
    """Render a page inside the frame; ``form_token`` is at hand in it."""
    g.has_shown_notice = True
    return render_template(
        template, title=title, shell=_shell(), form_token=guard.form_token(), role=guard.me().role, **values
    )


def show_plain(template: str, *, title: str, **values: Any) -> str:
    """Render a page without the frame: the ways in, where nobody or no brand is known yet."""
    return render_template(template, title=title, form_token=guard.form_token(), **values)


def _shell() -> Shell:
    me = guard.me()
    return Shell(
        brand=me.brand,
        groups=tuple(group for title, entries in NAVIGATION if (group := _group(title, entries)).links),
        person=Person(
            name=me.name,
            role=me.role.value,
            links=(
                NavLink(name="My account", href="/console/account", icon="person"),
                NavLink(name="Change brand", href="/console/brands", icon="transfer"),
            ),
        ),
        sign_out="/console/sign-out",
        hidden={guard.FORM_FIELD: guard.form_token()},
        notices=tuple(_notices()),
    )


def _notices() -> Iterator[Notice]:
    if (said := guard.notice()) is not None:
        yield said
    if guard.signed().sandbox_of is not None:
        yield Notice(text="This is a sandbox: nothing here is real, and it may be wiped.", tone="warn")


def find_entry(name: str) -> str | None:
    """Return the endpoint behind an entry of the side bar, if the person may open it: its shortest address."""
    pages = {
        endpoint
        for endpoint, declared in guard.DECLARED.items()
        if declared.nav == name and declared.role and guard.me().role.may(declared.role)
    }
    rules = [rule for rule in current_app.url_map.iter_rules() if rule.endpoint in pages and not rule.arguments]
    return min(rules, key=lambda rule: len(rule.rule)).endpoint if rules else None


def _news() -> int | None:
    """Return how many alerts nobody has taken; the count ends at one more than is shown."""
    try:
        with guard.session() as session:
            return alert_lists.count_new(session, guard.me().brand_id, now=guard.now(), most=MOST_NEW + 1)
    except Unavailable:
        # A page that could be made is shown without the number.
        return None


def _group(title: str | None, entries: tuple[tuple[str, str], ...]) -> NavGroup:
    pages = {name: endpoint for name, _ in entries if (endpoint := find_entry(name))}
    current = guard.DECLARED[request.endpoint or ""].nav
    return NavGroup(
        title=title,
        links=tuple(
            NavLink(
                name=name,
                href=url_for(pages[name]),
                icon=icon,
                is_current=name == current,
                count=_news() if name == "Alerts" else None,
                count_of="new",
                most=MOST_NEW,
            )
            for name, icon in entries
            if name in pages
        ),
    )
