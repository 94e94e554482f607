"""Times of day as an operator writes them: always with the offset from UTC.

A time on the wall alone is there twice when summer time ends, and not at all when it begins.
"""

from datetime import UTC, datetime


def utc_s(text: str) -> float:
    """Seconds since 1970 of an ISO time, such as 2026-11-28T22:00+01:00 or 2026-11-28T21:00Z.

    Raises ValueError that says what is missing.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"'{text}' is not a time: write it like 2026-11-28T22:00+01:00 or 2026-11-28T21:00Z"
        ) from None
    if moment.tzinfo is None:
        written = text.strip()
        raise ValueError(
            f"'{written}' has no offset from UTC: write {written}Z for UTC, or the offset of your "
            f"clock, such as {written}+01:00"
        )
    return moment.timestamp()


def in_words(utc_s: float) -> str:
    """To the minute, in UTC."""
    return f"{datetime.fromtimestamp(utc_s, UTC):%Y-%m-%d %H:%M} UTC"
