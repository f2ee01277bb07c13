"""
Steps: where a story would wait for something outside, it says what for, and whoever tells the story waits.

A story is a generator. It yields a step and is sent what came of it; an exception of the step is thrown into it. So
one text serves both ways of telling: a thread that waits at each step (``tell``), and the event loop of a worker,
which must never wait and meanwhile tells other stories (``web.front``).
"""

from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeVar

from authsvc.core.values import lean_dataclass

T = TypeVar("T")


@lean_dataclass(frozen=True, slots=True)
class Recording:
    """The scan of one item is to be recorded; where many come at once, they are recorded by one statement."""

    params: Mapping[str, Any]


Wait = Callable[[], Any]
"""Any other call that waits for something outside."""

Story = Generator[Recording | Wait, Any, T]


def tell(story: Story[T], record: Callable[[Mapping[str, Any]], Any]) -> T:
    """Tell *story* to its end in this thread; *record* records one scan and returns its row."""
    try:
        step = next(story)
        while True:
            try:
                came = record(step.params) if isinstance(step, Recording) else step()
            except Exception as error:  # noqa: BLE001  whatever it is, it belongs to the story
                step = story.throw(error)
            else:
                step = story.send(came)
    except StopIteration as end:
        told: T = end.value
        return told
