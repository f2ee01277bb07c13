"""
What a second revocation of a key does to the first: it may withdraw more codes, and never fewer by accident.

An inquiry learns more with every day, and whoever widens a revocation names what is new and not what is known. Runs
therefore add up, and a revocation that would let withdrawn codes pass again is called what it is.
"""

from collections.abc import Collection

from authsvc.core.keyring import Revocation, RevocationMode


def widen(old: Revocation | None, new: Revocation) -> Revocation:
    """Return what holds after *new*: the runs of both where both name runs, else *new* alone."""
    if old is not None and old.mode is new.mode is RevocationMode.RUN:
        return Revocation(RevocationMode.RUN, runs=old.runs | new.runs)
    return new


def made_good(old: Revocation | None, new: Revocation) -> str | None:
    """Return which codes *old* withdrew and *new* does not, in words; None where there are none."""
    if old is None or old.mode is RevocationMode.STOP or new.mode is RevocationMode.ALL:
        return None
    if old.mode is RevocationMode.RUN:
        left = old.runs - new.runs
        codes = f"the codes of {runs_in_words(left)}" if left else None
        return codes if codes is None or new.mode is RevocationMode.RUN else _but(codes, new)
    if old.since is None:
        return _but("all its codes", new)
    if new.since is None:
        return _but(f"the codes of items not checked before {old.since:%Y-%m-%d %H:%M}", new)
    if new.since <= old.since:
        return None
    return f"the codes of items first checked between {old.since:%Y-%m-%d %H:%M} and {new.since:%Y-%m-%d %H:%M}"


def runs_in_words(runs: Collection[int]) -> str:
    """Name runs in a sentence: "run 2", "runs 2, 3"."""
    return f"run{'s' * (len(runs) > 1)} {', '.join(map(str, sorted(runs)))}"


def _but(codes: str, new: Revocation) -> str:
    """Leave out those that the new revocation withdraws in its own way."""
    if new.mode is RevocationMode.FROM:
        return f"{codes}, but for items not checked before {new.since:%Y-%m-%d %H:%M}"
    if new.mode is RevocationMode.RUN:
        return f"{codes}, but for those of {runs_in_words(new.runs)}"
    return codes
