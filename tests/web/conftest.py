"""What the tests of the pages and the API share; the scene itself is in ``tests/conftest.py``."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from scene import Scene, Visitor

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
