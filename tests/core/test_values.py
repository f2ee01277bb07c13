"""Lean dataclasses: what a frozen one is, but for the check at run time, which the type checker makes."""

import subprocess
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest

from authsvc.core.values import lean_dataclass


@lean_dataclass(frozen=True, slots=True)
class Lean:
    one: int
    two: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Frozen:
    one: int
    two: tuple[int, ...] = ()


def test_it_is_equal_hashed_and_copied_by_its_fields():
    assert Lean(1, (2,)) == Lean(1, (2,)) != Lean(1)
    assert hash(Lean(1, (2,))) == hash(Frozen(1, (2,)))
    assert replace(Lean(1), two=(3,)) == Lean(1, (3,))
    assert [each.name for each in fields(Lean)] == ["one", "two"]
    with pytest.raises(AttributeError):
        Lean(1).three = 3


def test_the_type_checker_refuses_to_change_one(tmp_path):
    module = tmp_path / "changing.py"
    module.write_text(
        "from authsvc.core.verdicts import Facts\n\n\ndef change(facts: Facts) -> None:\n    facts.lot = None\n"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(root / ".mypy_cache"), str(module)]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    assert 'Property "lot" defined in "Facts" is read-only' in found.stdout
