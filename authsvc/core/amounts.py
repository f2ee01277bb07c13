"""Amounts in words: how many, and within how long, as a sentence for people has them."""

from datetime import timedelta

_WORDS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip


def number(count: int) -> str:
    """Spell a count: words up to twelve, digits above."""
    return _WORDS[count] if 0 <= count < len(_WORDS) else f"{count:,}"


def amount(count: int, noun: str, nouns: str | None = None) -> str:
    """Spell a count with what is counted: one phone, eleven phones, two countries."""
    return f"{number(count)} {noun if count == 1 else nouns or noun + 's'}"


def begin(text: str) -> str:
    """Write the first letter of a sentence."""
    return f"{text[:1].upper()}{text[1:]}"


def within(gap: timedelta) -> str:
    """Spell a bound that holds: within five minutes, within 30 hours, within nine days."""
    minutes = -(-gap // timedelta(minutes=1))
    if minutes <= 90:
        return f"within {amount(max(minutes, 1), 'minute')}"
    if gap <= timedelta(hours=24):
        return f"within {amount(-(-gap // timedelta(hours=1)), 'hour')}"
    return f"within {amount(-(-gap // timedelta(days=1)), 'day')}"
