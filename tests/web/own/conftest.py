"""Products of each kind, and people who buy them."""

import itertools

import pytest
from owning import Buyer

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def watches(scene):
    """Codes of a product that is registered with its claim code."""
    product = scene.add_product(
        name="Meridian 38", warranty_months="24", claim="required", attributes={"noun": "watch"}
    )
    return scene.issue(product, 400, lot="W1")


@pytest.fixture(scope="module")
def batteries(scene):
    """Codes of a product whose claim code may be left out."""
    product = scene.add_product(name="Volta", warranty_months="96", claim="optional", attributes={"noun": "battery"})
    return scene.issue(product, 400, lot="B1")


@pytest.fixture(scope="module")
def kettles(scene):
    """Codes of a product without claim codes."""
    product = scene.add_product(name="Kettle", warranty_months="24", attributes={"noun": "kettle"})
    return scene.issue(product, 400, lot="K1")


@pytest.fixture
def buyer(scene):
    return Buyer(scene, f"ada{next(_numbers)}@example.com")


@pytest.fixture
def stranger(scene):
    return Buyer(scene, f"bob{next(_numbers)}@example.com")


@pytest.fixture
def path(watches):
    return watches.path()


@pytest.fixture
def item(buyer, path):
    """Return the page of a watch that ``buyer``, here the seller, owns."""
    return buyer.own(path, purchased_on="2026-05-31")


@pytest.fixture
def seller(buyer):
    return buyer
