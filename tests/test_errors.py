"""The structure that everything else relies on: refusals, reasons and rules that can be told apart."""

import ast
import inspect
import sys
from http import HTTPStatus
from pathlib import Path

import pytest

from authsvc import connections, errors
from authsvc.core import clones, verdicts
from authsvc.core.verdicts import Reason


def tree(family=errors.AuthsvcError):
    yield family
    for child in family.__subclasses__():
        yield from tree(child)


ALL = sorted(set(tree()), key=lambda error: error.__qualname__)


def test_busy_is_the_only_refusal_that_lives_elsewhere():
    assert {error for error in ALL if error.__module__ != errors.__name__} == {connections.Busy}


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_every_error_has_its_own_code_title_and_docstring(error):
    assert {"code", "title", "__doc__"} <= vars(error).keys()
    assert error.__doc__.strip().endswith(".")
    assert error.code == error.code.lower().replace(" ", "-").strip("-")
    assert error.code.isascii()
    assert error.title[0].isupper()
    assert not error.title.endswith(".")


@pytest.mark.parametrize("name", ["code", "title"])
def test_no_two_errors_share_a_code_or_title(name):
    assert len({getattr(error, name) for error in ALL}) == len(ALL)


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_every_error_has_the_status_of_its_family(error):
    assert HTTPStatus(error.status).value >= HTTPStatus.BAD_REQUEST
    parent = error.__bases__[0]
    assert parent in {errors.AuthsvcError, Exception} or error.status == parent.status


def test_a_bad_token_says_which_part_is_wrong():
    assert errors.BadToken("length").detail == "length"


def test_every_rule_for_copies_has_a_docstring_and_a_name_that_says_it():
    assert len({rule.name for rule in clones.RULES}) == len(clones.RULES)
    for rule in clones.RULES:
        assert inspect.getdoc(rule.tell).endswith(".")
        assert rule.name == rule.tell.__name__.replace("_", "-"), "the stored name is the function's"


def test_every_reason_has_one_rule():
    assert {reason for reason, _ in verdicts.RULES} == set(Reason)
    assert len(verdicts.RULES) == len(Reason)


def test_core_imports_nothing_but_itself_cryptography_libsodium_and_the_standard_library():
    folder = Path(verdicts.__file__).parent
    allowed = {"cryptography", "nacl", "authsvc"} | sys.stdlib_module_names
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] in allowed, (file, name)
                assert not name.startswith("authsvc.") or name.startswith(("authsvc.core", "authsvc.errors")), file
                assert name not in {"socket", "sqlite3", "subprocess", "random", "secrets", "os"}, (file, name)
