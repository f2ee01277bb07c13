"""What the tests of the pages and the API share; the scene itself is in ``tests/conftest.py``."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from scene import Scene, Visitor

from authsvc import passwords

THREADS = 20


@pytest.fixture
def visitor(scene: Scene) -> Visitor:
    """Send in somebody with a browser and a network of their own."""
    return scene.visitor()


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Yield threads that live as long as the module, as those of a web server do: each keeps its connection."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield pool


@pytest.fixture
def later(scene: Scene) -> Iterator[Callable[..., None]]:
    """Yield a function that lets time pass until the end of the test."""

    def later(**delta: float) -> None:
        scene.clock.ahead += timedelta(**delta)

    yield later
    scene.clock.ahead = timedelta()


@pytest.fixture(scope="module", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash the passwords of a thousand people at once; that it is slow for everybody else is said in test_staff.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield
