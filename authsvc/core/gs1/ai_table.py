"""
Every application identifier: the form of its value, where a Digital Link may carry it, what it needs and excludes.

The facts are those of the GS1 Barcode Syntax Dictionary (2026) in a notation of our own, one line for all AIs that
share a rule:

    AIs  place  components...  key:... needs:... not:...

* place: ``a`` may be a data attribute in the query; ``-`` may not (path qualifiers, and AIs that no link may carry).
* a component is a character set (N digits, X set 82, Y set 39, Z base64url), a length (``6``, or ``..20`` for 1 to 20),
  the checks of ``values.CHECKS``, and ``?`` where it may be absent. Only the last that is present varies in length.
* ``key:`` makes the AI a primary key and lists its path qualifiers in order, branches apart by ``|``.
* ``needs:a+b,c`` asks for (a and b) or c beside it; ``not:`` names what must not be beside it. ``n`` stands for any
  digit, ``family`` for the other AIs with the same first three digits.

To follow a new edition of the dictionary, edit the lines; the tests compare them with a second source.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

from authsvc.errors import BadDigitalLink

from .values import CHECKS, Check, shown

_TABLE: Final = """
00                      a  N18:csum                      key:
01                      a  N14:csum                      key:22,10,21|235  not:255,37
02                      a  N14:csum                      needs:37  not:01,03
03                      -  N14:csum                      not:01,02,37,235
10                      a  X..20                         needs:01,02,03,8006,8026
11,13,15,16             a  N6:yymmd0                     needs:01,02,03,8006,8026
12                      a  N6:yymmd0                     needs:8020
17                      a  N6:yymmd0                     needs:01,02,03,255,8006,8026
20                      a  N2                            needs:01,02,03,8006,8026
21                      -  X..20                         needs:01,03,8006  not:235
22                      -  X..20                         needs:01
235                     -  X..28                         needs:01
240,241                 a  X..30                         needs:01,02,03,8006,8026
242                     a  N..6                          needs:01,02,8006,8026
243                     a  X..20                         needs:01,03
250                     a  X..30                         needs:01+21,03+21,8006+21
251                     a  X..30                         needs:01,03,8006
253                     a  N13:csum X..17?               key:
254                     -  X..20                         needs:414
255                     a  N13:csum N..12?               key:  not:01,02,415,8006,8020,8026
30                      a  N..8                          needs:01,02
31[0-6][0-5]            a  N6                            needs:01,02  not:family
32[0-9][0-5]            a  N6                            needs:01,02  not:family
33[0-6][0-5]            a  N6                            needs:00,01  not:family
337[0-5]                a  N6                            needs:01  not:family
34[0-9][0-5]            a  N6                            needs:00,01  not:family
35[0-267][0-5]          a  N6                            needs:01,02  not:family
35[3-5][0-5]            a  N6                            needs:00,01  not:family
36[014-6][0-5]          a  N6                            needs:01,02  not:family
36[237-9][0-5]          a  N6                            needs:00,01  not:family
37                      a  N..8                          needs:00+02,00+8026
390[0-9]                a  N..15                         needs:255,8020  not:family,391n,394n,8111
391[0-9]                a  N3:iso4217 N..15              needs:8020  not:family
392[0-9]                a  N..15                         needs:01+30,01+31nn,01+32nn,01+35nn,01+36nn  not:family,393n
393[0-9]                a  N3:iso4217 N..15              needs:30,31nn,32nn,35nn,36nn  not:family
394[0-3]                a  N4                            needs:255  not:family,8111
395[0-5]                a  N6                            needs:30,31nn,32nn,35nn,36nn  not:family,392n,393n,8005
400                     a  X..30
401                     a  X..30:gcp                     key:
402                     a  N17:csum                      key:
403                     a  X..30                         needs:00
410,411,412,413,416     a  N13:csum
414                     a  N13:csum                      key:254|7040
415                     a  N13:csum                      key:8020  needs:8020
417                     a  N13:csum                      key:7040
420                     a  X..20                         not:421
421                     a  N3:iso3166 X..9               not:4307
422                     a  N3:iso3166                    needs:01,02,03,8006,8026  not:426
423,425                 a  N3:iso3166 N3:iso3166? N3:iso3166? N3:iso3166? N3:iso3166?  needs:01,02,03  not:426
424                     a  N3:iso3166                    needs:01,02,03  not:426
426                     a  N3:iso3166                    needs:01,02,03
427                     a  X..3                          needs:01+422,02+422,03+422
4300,4301,4310,4311     a  X..35:pcenc                   needs:00
4320                    a  X..35:pcenc                   needs:00
4302,4304,4305,4306     a  X..70:pcenc                   needs:00
4312,4314,4315,4316     a  X..70:pcenc                   needs:00
4303                    a  X..70:pcenc                   needs:4302
4313                    a  X..70:pcenc                   needs:4312
4307,4317               a  X2:iso3166alpha2              needs:00
4308,4319               a  X..30                         needs:00
4309                    a  N10:latitude N10:longitude    needs:00
4318                    a  X..20                         needs:00
4321,4322,4323          a  N1:yesno                      needs:00
4324,4325               a  N6:yymmd0 N4:hhmi             needs:00
4326                    a  N6:yymmdd                     needs:00
4330                    a  N6 X1:hyphen?                 needs:00  not:4331
4331                    a  N6 X1:hyphen?                 needs:00  not:4330
4332                    a  N6 X1:hyphen?                 needs:00  not:4333
4333                    a  N6 X1:hyphen?                 needs:00  not:4332
7001                    a  N13                           needs:01,02,8006,8026
7002                    a  X..30                         needs:01,02
7003                    a  N6:yymmdd N4:hhmi             needs:01,02,03
7004                    a  N..4                          needs:01+10,03+10
7005                    a  X..12                         needs:01,02
7006                    a  N6:yymmdd                     needs:01,02
7007                    a  N6:yymmdd N6:yymmdd?          needs:01,02
7008                    a  X..3                          needs:01,02
7009                    a  X..10                         needs:01,02
7010                    a  X..2                          needs:01,02,03
7011                    a  N6:yymmdd N4:hhmi?            needs:01,02,03
7020                    a  X..20                         needs:01+416,03+416,8006+416
7021                    a  X..20                         needs:01,03,8006
7022                    a  X..20                         needs:01+7021,03+7021,8006+7021
7023                    a  X..30:gcp
703[0-9]                a  N3:iso3166999 X..27           needs:01,02
7040                    -  N1 X1 X1 X1:importeridx
7041                    -  X..4                          needs:00
71[0-7]                 a  X..20                         needs:01
723[0-9]                a  X2 X..28                      needs:01,8004
7240                    a  X..20                         needs:01,8006  not:03
7241                    a  N2:mediatype                  needs:8017,8018
7242                    a  X..25                         needs:8017,8018
7250                    a  N8:yyyymmdd                   needs:8018  not:7251
7251                    a  N8:yyyymmdd N4:hhmi           needs:8018  not:7250
7252                    a  N1:iso5218                    needs:8018
7253,7254               a  X..40:pcenc                   needs:8017,8018  not:7256,7259
7255                    a  X..10                         needs:8017,8018  not:7256,7259
7256                    a  X..90:pcenc                   needs:8017,8018
7257                    a  X..70:pcenc                   needs:8018
7258                    a  X3:posinseqslash              needs:8018+7259
7259                    a  X..40:pcenc                   needs:8018  not:7256
8001                    a  N4:nonzero N5:nonzero N3:nonzero N1:winding N1  needs:01
8002                    a  X..20
8003                    a  N1:zero N13:csum X..16?       key:
8004                    a  X..30:gcp                     key:7040
8005                    a  N6                            needs:01,02
8006                    a  N14:csum N4:pieceoftotal      key:22,10,21  not:01,03,37
8007                    a  X..34:iban                    needs:415
8008                    a  N6:yymmdd N2:hh N2:sixtieth? N2:sixtieth?  needs:01,02,03
8009                    a  X..50                         needs:00,01,03
8010                    a  Y..30:gcp                     key:8011
8011                    -  N..12:nozeroprefix            needs:8010
8012                    a  X..20                         needs:01,03,8006
8013                    a  X..25:csumalpha:gcp           key:
8014                    -  X..25:csumalpha:gcp:hasnondigit  needs:01
8017                    a  N18:csum                      key:8019  not:8018
8018                    a  N18:csum                      key:8019  not:8017
8019                    -  N..10                         needs:8017,8018
8020                    -  X..25                         needs:415
8026                    a  N14:csum N4:pieceoftotal      needs:37  not:02,03,8006
8030                    a  Z..90                    needs:00,01+21,03+21,253,255,8003,8004,8006+21,8010+8011,8017,8018
8040                    -  N15                           needs:01+21
8041                    -  N15                           needs:01+21+8040
8042                    -  N32                           needs:01+21+8040
8043                    -  N18 N..2?                     needs:01+21+8040
8110                    a  X..70:couponcode
8111                    a  N4                            needs:255
8112                    a  X..70:couponposoffer
8200                    -  X..70                         needs:01
90                      a  X..30
9[1-9]                  a  X..90
"""

# A digital signature speaks for one object, so a key whose serial component is optional must carry it.
_SERIAL_FROM: Final = {"253": 14, "255": 14, "8003": 15}

_SETS: Final = {
    "N": ("[0-9]", "digits"),
    "X": ('[!"%-?A-Z_a-z]', "letters, digits or any of !\"%&'()*+,-./:;<=>?_"),
    "Y": ("[#/0-9A-Z-]", "capital letters, digits or any of #-/"),
    "Z": ("[0-9A-Z_a-z-]", "base64url characters (letters, digits, - and _)"),
}
_COMPONENT = re.compile(r"(?P<set>[NXYZ])(?P<up>\.\.)?(?P<length>[0-9]+)(?P<checks>(?::[a-z0-9]+)*)(?P<optional>\??)")


@dataclass(frozen=True, slots=True)
class _Format:
    """The compiled form of a value: its characters and lengths, then the checks of its components."""

    pattern: re.Pattern[str]
    checks: tuple[tuple[int, Check, str], ...]
    wanted: str


@dataclass(frozen=True, slots=True)
class Rule:
    """All that is known about one AI. ``branches`` holds the qualifier sequences of a primary key, else nothing."""

    ai: str
    format: _Format
    is_attribute: bool
    branches: tuple[tuple[str, ...], ...]
    needs: tuple[tuple[frozenset[str], ...], ...]
    excludes: frozenset[str]
    needs_text: str

    @property
    def is_key(self) -> bool:
        """Whether the AI is a primary key of a Digital Link."""
        return bool(self.branches)


def check_value(ai: str, value: str) -> None:
    """
    Check that *value* is what the AI *ai*, which must be in ``RULES``, may hold.

    Raises:
        BadDigitalLink: A character, a length, a check digit, a date or a code is wrong.
    """
    form = RULES[ai].format
    match = form.pattern.fullmatch(value)
    if match is None:
        raise BadDigitalLink(f"AI ({ai}) holds {form.wanted}, got {shown(value)}. Check the code and correct it.")
    for group, check, expected in form.checks:
        part = match[group]
        if part is not None and not check(part):
            raise BadDigitalLink(f"AI ({ai}) must have {expected}, got {shown(value)}. Check the code and correct it.")


def check_together(ais: Mapping[str, str]) -> None:
    """
    Check what the AIs of one link need and exclude.

    GS1 judges this over all carriers on an object; a link that we serve must stand alone.

    Raises:
        BadDigitalLink: A needed AI is absent, or two are present that exclude each other.
    """
    present = ais.keys()
    for ai in ais:
        rule = RULES[ai]
        if not rule.excludes.isdisjoint(present):
            other = min(rule.excludes & present)
            raise BadDigitalLink(f"AI ({ai}) and AI ({other}) exclude each other, got both. Remove one of them.")
        if rule.needs and not any(all(not one.isdisjoint(present) for one in group) for group in rule.needs):
            raise BadDigitalLink(
                f"AI ({ai}) needs {rule.needs_text} beside it, got {', '.join(f'({other})' for other in ais)}. "
                "Add what is missing or remove it."
            )
    if "8030" in ais:
        for ai, least in _SERIAL_FROM.items():
            if len(ais.get(ai, "")) in range(1, least):
                raise BadDigitalLink(
                    f"A digital signature, AI (8030), needs an AI ({ai}) with its serial part, got {shown(ais[ai])}. "
                    "Add the serial part."
                )


@cache
def _format(spec: str) -> _Format:
    pattern, phrases = "", []
    checks: list[tuple[int, Check, str]] = []
    for group, component in enumerate(spec.split(), start=1):
        parsed = _COMPONENT.fullmatch(component)
        assert parsed is not None, component
        characters, name = _SETS[parsed["set"]]
        length = f"1,{parsed['length']}" if parsed["up"] else parsed["length"]
        part = f"{characters}{{{length}}}"
        if parsed["set"] == "Z":
            # Padding is no part of the character set, yet encoders write it and GS1's own tools let it pass.
            part = f"(?=.{{{length}}}\\Z){characters}++={{0,2}}"
        pattern += f"({part}){parsed['optional']}"
        up_to = "1 to " if parsed["up"] else ""
        optional = "optionally " if parsed["optional"] else ""
        phrases.append(f"{optional}{up_to}{parsed['length']} {name}")
        checks += [(group, *CHECKS[check]) for check in parsed["checks"].split(":")[1:]]
    return _Format(re.compile(pattern), tuple(checks), ", then ".join(phrases))


_CLASS = re.compile(r"\[([0-9-]+)\]|([0-9])")


def _expand(pattern: str) -> Iterator[str]:
    """Yield every AI that a pattern of digits and classes like ``[0-5]`` stands for."""
    places = []
    for characters, digit in _CLASS.findall(pattern):
        wanted = re.compile(f"[{characters or digit}]")
        places.append(wanted.findall("0123456789"))
    return ("".join(digits) for digits in product(*places))


@cache
def _matching(pattern: str, known: frozenset[str]) -> frozenset[str]:
    wanted = re.compile(pattern.replace("n", "[0-9]"))
    return frozenset(ai for ai in known if wanted.fullmatch(ai))


def _rules() -> dict[str, Rule]:
    rows: dict[str, tuple[str, dict[str, str], bool]] = {}
    for line in _TABLE.strip().splitlines():
        names, place, *words = line.split()
        attributes = dict(word.split(":", 1) for word in words if word.startswith(("key:", "needs:", "not:")))
        spec = " ".join(word for word in words if not word.startswith(("key:", "needs:", "not:")))
        for name in names.split(","):
            rows |= dict.fromkeys(_expand(name), (spec, attributes, place == "a"))
    rules = {}
    known = frozenset(rows)
    for ai, (spec, attributes, is_attribute) in sorted(rows.items()):
        branches = attributes["key"].split("|") if "key" in attributes else []
        groups = attributes["needs"].split(",") if "needs" in attributes else []
        excluded = attributes.get("not", "").replace("family", f"{ai[:3]}n").split(",")
        rules[ai] = Rule(
            ai=ai,
            format=_format(spec),
            is_attribute=is_attribute,
            branches=tuple(tuple(filter(None, branch.split(","))) for branch in branches),
            needs=tuple(tuple(_matching(one, known) for one in group.split("+")) for group in groups),
            excludes=frozenset().union(*(_matching(one, known) for one in excluded)) - {ai},
            needs_text=" or ".join(" and ".join(f"({one})" for one in group.split("+")) for group in groups),
        )
    return rules


RULES: Final[Mapping[str, Rule]] = _rules()
