"""
GS1 Digital Link URIs (URI Syntax 1.7): the only way in from a link, the only way out to one.

What must stay true:

* ``parse`` reads the URI as it was on the wire. Whoever decodes it first turns ``/10/A%2FB`` into another link.
* A link has one meaning. Where two readers could differ (a key in the stem, ``;`` between parameters, a malformed
  escape, an AI given twice) it is refused, because the signature covers the AIs that *we* read.
* ``parse`` strips nothing. A resolver takes one trailing slash off before it calls.
* The fast path is an optimisation of the general one and never differs from it; a property test compares them.
* A refusal never repeats the query, which holds the token: refusals are logged, tokens are not.
* ``build`` validates all that ``parse`` does, and refuses what a browser or shop till would spoil on its way back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import quote, unquote, unquote_plus

from authsvc.errors import BadDigitalLink

from .ai_table import RULES, check_together, check_value
from .values import has_check_digit, shown

MAX_LENGTH: Final = 2000

_ORIGIN: Final = r"(?:https?|HTTPS?)://(?:[A-Za-z0-9.-]++|\[[0-9A-Fa-f:.]++\])(?::[0-9]*+)?"
_AUTHORITY = re.compile(_ORIGIN + r"(?=[/?#]|\Z)")
_ILLEGAL = re.compile(r"[^A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]|%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

# The shapes that nearly every scan has. What they do not match, or match with a wrong check digit, goes the general
# way, which also finds the words for a refusal.
_COMMON = re.compile(
    f"(?:{_ORIGIN})?"
    r"/01/([0-9]{14})(?:/10/([0-9A-Za-z_.-]{1,20}+))?(?:/21/([0-9A-Za-z_.-]{1,20}+))?(?:\?s=([0-9A-Za-z_-]*+))?"
)
_EXAMPLE: Final = "/01/09506000134352/21/ABC"

_Extensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DigitalLink:
    """
    The GS1 identifiers in a link, and what else its query says.

    ``ais`` holds the unescaped value of every AI of path and query, the GTIN as 14 digits. ``primary`` is the key
    that the path starts with. ``extensions`` are the other parameters, unescaped and in order; GS1 gives them no
    meaning, so they are no part of what the link identifies.
    """

    ais: Mapping[str, str] = field(hash=False)
    primary: str
    extensions: _Extensions

    @classmethod
    def parse(cls, uri: str, *, strict: bool = True) -> Self:
        """
        Read a full http(s) URI, or the raw target of a request ("/path?query", nothing decoded).

        Not *strict*, a GTIN of 8, 12 or 13 digits is taken too and padded, as links of before 2023 have them.

        Raises:
            BadDigitalLink: The text is no valid Digital Link, or one that could be read in two ways.
        """
        if len(uri) <= MAX_LENGTH and (match := _COMMON.fullmatch(uri)) and has_check_digit(match[1]):
            gtin, lot, serial, token = match.groups()
            ais = {"01": gtin}
            if lot is not None:
                ais["10"] = lot
            if serial is not None:
                ais["21"] = serial
            return cls(MappingProxyType(ais), "01", () if token is None else (("s", token),))
        return cls(*_read(uri, strict=strict))

    @classmethod
    def build(cls, ais: Mapping[str, str]) -> Self:
        """
        Make a link to issue. The first primary key of *ais* whose path can hold the qualifiers begins the path.

        Raises:
            BadDigitalLink: ``parse`` would refuse the link, or it would not survive the way to ``parse``.
        """
        for ai, value in ais.items():
            if ai not in RULES:
                raise BadDigitalLink(f"An application identifier of GS1 was expected, got {shown(ai)}. Remove it.")
            check_value(ai, value)
        path = next((path for ai in ais if RULES[ai].is_key and (path := _path_ais(ai, ais))), ())
        if not path:
            raise BadDigitalLink(
                f"A link starts with a primary key and carries only its qualifiers and data attributes, "
                f"got {shown(' '.join(ais))}. Add a key such as (01), or remove what does not belong to it."
            )
        check_together(ais)
        for ai in path:
            if ais[ai] in {".", ".."}:
                # RFC 3986, 5.2.4: user agents remove dot segments, escaped or not, so the link would lose its tail.
                raise BadDigitalLink(
                    f"AI ({ai}) cannot be issued as {shown(ais[ai])}, as browsers drop it from a path. Choose another."
                )
        query = sorted(ais.keys() - set(path))
        return cls(MappingProxyType({ai: ais[ai] for ai in (*path, *query)}), path[0], ())

    def extension(self, name: str) -> str | None:
        """
        Return the one extension parameter called *name*, or None.

        Raises:
            BadDigitalLink: It is there twice; another reader might take the other one.
        """
        values = [value for key, value in self.extensions if key == name]
        if len(values) > 1:
            raise BadDigitalLink(
                f"The parameter {shown(name)} stands once in a link, got it {len(values)} times. Scan the code again."
            )
        return values[0] if values else None

    @property
    def gtin(self) -> str | None:
        """The GTIN-14, AI (01)."""
        return self.ais.get("01")

    @property
    def serial(self) -> str | None:
        """The serial, AI (21)."""
        return self.ais.get("21")

    @property
    def lot(self) -> str | None:
        """The batch or lot, AI (10)."""
        return self.ais.get("10")

    @property
    def sscc(self) -> str | None:
        """The logistic unit, AI (00)."""
        return self.ais.get("00")

    @property
    def expiry(self) -> str | None:
        """The expiry date as YYMMDD, AI (17); the day may be 00, which means the last of the month."""
        return self.ais.get("17")

    @property
    def sgtin(self) -> str | None:
        """The identity of one item, ``gtin.serial``, where the link names one."""
        if "01" in self.ais and "21" in self.ais:
            return f"{self.ais['01']}.{self.ais['21']}"
        return None

    def path(self) -> str:
        """Return the canonical path and query: qualifiers in GS1's order, attributes sorted, no extensions."""
        path = _path_ais(self.primary, self.ais)
        query = sorted(self.ais.keys() - set(path))
        text = "".join(f"/{ai}/{_escape(self.ais[ai])}" for ai in path)
        return f"{text}?{'&'.join(f'{ai}={_escape(self.ais[ai])}' for ai in query)}" if query else text

    def uri(self, base: str, /, **extensions: str) -> str:
        """
        Return the link below *base*, an origin such as ``https://id.example.com``, or an origin and a stem.

        Raises:
            BadDigitalLink: The base, an extension or the length would make a link that ``parse`` refuses.
        """
        uri = _checked_base(base) + self.path()
        mark = "&" if "?" in uri else "?"
        for name, value in extensions.items():
            if not name or (name.isascii() and name.isdigit()) or _CONTROL.search(name + value):
                raise BadDigitalLink(
                    f"An extension has a name that is not a number and a value without control characters, "
                    f"got {shown(f'{name}={value}')}. Choose another."
                )
            uri += f"{mark}{quote(name, safe='')}={quote(value, safe='')}"
            mark = "&"
        if len(uri) > MAX_LENGTH:
            raise BadDigitalLink(f"A link has at most {MAX_LENGTH} characters, got {len(uri)}. Leave attributes out.")
        return uri

    def canonical(self) -> str:
        """Return the canonical URI (4.12): the same for every spelling of the link, on GS1's own host."""
        return f"https://id.gs1.org{self.path()}"


def _read(uri: str, *, strict: bool) -> tuple[Mapping[str, str], str, _Extensions]:
    """Parse without the fast path. ``DigitalLink.parse`` says what it takes and raises."""
    if len(uri) > MAX_LENGTH:
        raise BadDigitalLink(f"A link has at most {MAX_LENGTH} characters, got {len(uri)}. Scan the code again.")
    _check_characters(uri)
    target = uri
    if not uri.startswith("/") or uri.startswith("//"):
        authority = _AUTHORITY.match(uri)
        if authority is None:
            raise BadDigitalLink(
                f"A link starts with https:// or http:// and a host name, or is a path like {_EXAMPLE}, "
                f"got {shown(uri.partition('?')[0])}. Check that it is complete."
            )
        target = uri[authority.end() :]
    path, _, query = target.partition("#")[0].partition("?")
    pairs = _read_path(path)
    primary = pairs[0][0]
    ais = {ai: _unescape(value) for ai, value in pairs}
    extensions = _read_query(query, ais, [ai for ai, _ in pairs])
    if not strict and len(ais.get("01", "")) in {8, 12, 13}:
        ais["01"] = ais["01"].zfill(14)
    for ai, value in ais.items():
        check_value(ai, value)
    check_together(ais)
    return MappingProxyType(ais), primary, extensions


def _check_characters(uri: str) -> None:
    if illegal := _ILLEGAL.search(uri):
        start = illegal.start()
        what = "two hexadecimal digits after a percent sign" if illegal[0] == "%" else "characters that a URI may hold"
        raise BadDigitalLink(
            f"A link has {what}, got {shown(uri[start : start + 3])} at position {start + 1}. "
            "Escape the character as %XX."
        )


def _read_path(path: str) -> list[tuple[str, str]]:
    """Return the AIs of *path* with their values, still escaped: the primary key, then its qualifiers."""
    segments = path.split("/")[1:]
    if segments and not segments[-1]:
        raise BadDigitalLink(f"A link ends with a value, got a slash at the end of {shown(path)}. Remove the slash.")
    # From the right: the last primary key is the one that counts, and what stands before it is the stem.
    pairs: list[tuple[str, str]] = []
    while len(segments) > 1:
        value, ai = segments.pop(), segments.pop()
        if ai not in RULES:
            break
        pairs.insert(0, (ai, value))
        if RULES[ai].is_key:
            _check_stem(segments)
            _check_order(pairs)
            return pairs
    raise BadDigitalLink(
        f"The path of a link is made of AIs and values and starts with a primary key, like {_EXAMPLE}, "
        f"got {shown(path)}. Check that the link is complete."
    )


def _check_stem(stem: list[str]) -> None:
    # A key at the very end of the stem has no value there: "/01/01/{gtin}" reads one way only.
    for segment in stem[:-1]:
        rule = RULES.get(unquote(segment))
        if rule is not None and rule.is_key:
            raise BadDigitalLink(
                f"One primary key was expected in the path, got another one, ({rule.ai}), before it. The link could "
                "mean two things, so it is not read. Use a link with a single key."
            )


def _check_order(pairs: list[tuple[str, str]]) -> None:
    primary, *qualifiers = (ai for ai, _ in pairs)
    if not _branches(primary, qualifiers):
        wanted = ", or ".join(" ".join(f"({ai})" for ai in branch) or "nothing" for branch in RULES[primary].branches)
        got = " ".join(f"({ai})" for ai in qualifiers)
        raise BadDigitalLink(
            f"In the path ({primary}) may be followed by {wanted}, each once and in this order, got {got}. "
            "Reorder the path, or move data attributes to the query."
        )


def _branches(primary: str, qualifiers: list[str]) -> list[tuple[str, ...]]:
    """Return the qualifier sequences of the key that *qualifiers* follow in order."""
    matching = []
    for branch in RULES[primary].branches:
        rest = iter(branch)
        if all(ai in rest for ai in qualifiers):
            matching.append(branch)
    return matching


def _read_query(query: str, ais: dict[str, str], path: list[str]) -> _Extensions:
    """Add the data attributes of *query* to *ais*; return the other parameters."""
    if ";" in query:
        raise BadDigitalLink(
            "The parameters of a link are separated by &, got a ; among them. "
            "Use & between parameters, and %3B inside a value."
        )
    belongs_in_path = {ai for branch in _branches(path[0], path[1:]) for ai in branch}
    extensions = []
    for parameter in filter(None, query.split("&")):
        key, _, raw = parameter.partition("=")
        if not key:
            raise BadDigitalLink(f"A parameter has a name before its =, got {shown(parameter)}. Add the name.")
        if not key.isdigit():
            name, value = _unescape(key, plus=True), _unescape(raw, plus=True)
            if _CONTROL.search(name + value):
                raise BadDigitalLink(
                    f"A parameter holds no control characters, got some in {shown(key)}. Remove the parameter."
                )
            extensions.append((name, value))
            continue
        if key in ais:
            raise BadDigitalLink(f"Each AI stands once in a link, got ({key}) twice. Remove one of them.")
        if key not in RULES or not RULES[key].is_attribute:
            raise BadDigitalLink(
                f"A number as parameter name is a data attribute of GS1, got {shown(key)}, which is none. "
                "Remove it, or move a qualifier to the path."
            )
        if key in belongs_in_path:
            raise BadDigitalLink(f"AI ({key}) belongs in the path of this link, got it in the query. Move it there.")
        ais[key] = _unescape(raw, plus=True)
    return tuple(extensions)


def _unescape(text: str, *, plus: bool = False) -> str:
    # What is not UTF-8 becomes a replacement character: no AI may hold it, and in an extension it does no harm.
    return unquote_plus(text) if plus else unquote(text)


def _escape(value: str) -> str:
    return value if value.isalnum() else quote(value, safe="")


def _path_ais(primary: str, ais: Mapping[str, str]) -> tuple[str, ...]:
    """Return the AIs that the path of *primary* holds, in order, or nothing where the rest is not fit for the query."""
    for branch in RULES[primary].branches:
        path = (primary, *(ai for ai in branch if ai in ais))
        if all(RULES[ai].is_attribute for ai in ais if ai not in path):
            return path
    return ()


@lru_cache(maxsize=64)
def _checked_base(base: str) -> str:
    base = base.removesuffix("/")
    authority = _AUTHORITY.match(base)
    stem = base[authority.end() :] if authority else "?"
    if (
        _ILLEGAL.search(base)
        or "?" in stem
        or "#" in stem
        or any(RULES[ai].is_key for ai in stem.split("/") if ai in RULES)
    ):
        raise BadDigitalLink(
            f"The base of links is http(s)://host, with or without a path, and the path holds no primary key, "
            f"got {shown(base)}. Correct the base."
        )
    return base
