"""
Crawlers: whether a user agent names a program that fetches links without a person looking.

The list is that of the package crawler-user-agents, with the few of its patterns left out that match the browsers of
people. It knows previews of messengers, search engines, monitors and plain HTTP libraries. A user agent is a claim: it
can take a scan out of the count, and nothing else is built on it.

Some 1,500 patterns in one regular expression take 550 us for a phone. Nearly all of them are plain text, so they are
found by their first four letters; only the rest is left to an expression. The answers are cached by user agent.
"""

import re
from functools import lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

LONGEST = 512
"""Characters that are looked at: a browser needs 100 to 350, and a longer text is not worth the time."""

PEOPLE = frozenset(
    {
        r"AP3A\.240617\.008",  # A build of Android 15 that millions of phones name in in-app browsers.
        "MetaIAB Facebook",  # The in-app browser of Facebook.
        "Sogou",  # A browser too; its crawlers are listed below.
        r"008\/",  # Ends many build numbers.
        "Fluid",  # A browser of the Mac that holds one site.
        r"Tumblr\/",  # The in-app browser of Tumblr.
    }
)
ALSO = (
    "Sogou web spider",
    "Sogou Pic Spider",
    "Sogou News Spider",
    "Sogou inst spider",
    "kakaotalk-scrap",
    "line-poker",
    "LinkPreview",
    "UrlPreview",
    "URLPreview",
    "Link Preview",
)

_ESCAPED = re.compile(r"\\([^A-Za-z0-9])")
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
_START = 4


def _index() -> tuple[dict[str, tuple[str, ...]], re.Pattern[str]]:
    """Sort the patterns into texts by their first letters, and one expression for what is not plain text."""
    texts: dict[str, tuple[str, ...]] = {}
    others = []
    patterns = [entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA if entry["pattern"] not in PEOPLE]
    for pattern in (*patterns, *ALSO):
        text = _ESCAPED.sub(r"\1", pattern)
        if _SPECIAL.search(_ESCAPED.sub("", pattern)) or len(text) < _START:
            others.append(pattern)
        else:
            texts[text[:_START]] = (*texts.get(text[:_START], ()), text)
    return texts, re.compile("|".join(others))


_TEXTS, _OTHERS = _index()


def is_crawler(user_agent: str) -> bool:
    """Whether *user_agent* names a known program. No user agent at all is nobody's name, so it is not a known one."""
    return _is_crawler(user_agent[:LONGEST])


@lru_cache(maxsize=4096)
def _is_crawler(user_agent: str) -> bool:
    for at in range(len(user_agent) - _START + 1):
        for text in _TEXTS.get(user_agent[at : at + _START], ()):
            if user_agent.startswith(text, at):
                return True
    return _OTHERS.search(user_agent) is not None
