"""A time of day as an operator types it, made unmistakable before it is sent. Pure."""

from datetime import UTC, datetime


def moment(text: str) -> datetime | None:
    """A time with its offset; None for an empty text.

    Without an offset it is the clock on this wall; the hour that comes twice when summer time
    ends, or never when it begins, is refused. Raises ValueError in an operator's words.
    """
    text = text.strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("write it like 2026-11-28 22:00 or 2026-11-28T21:00Z") from None
    if found.tzinfo is not None:
        return found
    first, second = (found.replace(fold=fold).astimezone() for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise ValueError(
            f"the clocks are changed then: write {_iso(first)} or {_iso(second)}"
        )  # fmt: skip
    return first


def said(found: datetime) -> str:
    """How it is understood: in local time and in UTC."""
    return f"{found.astimezone():%d %b %H:%M} here, {found.astimezone(UTC):%d %b %H:%M} UTC"


def _iso(when: datetime) -> str:
    return when.isoformat(timespec="minutes")
