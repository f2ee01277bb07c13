"""
Values that a scan makes: frozen for whoever checks the types, and as cheap to make as any other.

A frozen dataclass is filled field by field through ``object.__setattr__``. A scan makes seven of them with some ninety
fields, which took a twentieth of its time in the web process (12 us of 255). So these are frozen by the type checker,
which is strict over all of the package and refuses every assignment to a field, and not once more at run time.

In everything else they are what ``dataclass`` makes of a frozen one: equal and hashed by their fields.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

__all__ = ["lean_dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass as lean_dataclass
else:
    from dataclasses import dataclass

    def lean_dataclass(*, frozen: bool, **options: bool) -> Callable[[type], type]:
        """Make a dataclass that nobody changes, though it would let them."""
        assert frozen
        return dataclass(unsafe_hash=True, **options)
