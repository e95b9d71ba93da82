"""Text helpers for pages, messages and files: amounts and scores as people write them, lists of names, cells of a spreadsheet."""

import difflib
import time
from collections.abc import Iterable, Sequence

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs text that starts so as a formula
UNKNOWN = "–"


def count(number: int, one: str, many: str = "") -> str:
    """'1 image', '2,000 images'. many: the plural, where it is not made with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def no_such(what: str, name: str, known: Iterable[str]) -> str:
    """ "There is no recipe 'qick'; did you mean 'quick'?" Without the question where no known name resembles it."""
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.strip().lower(), by_lower, n=1, cutoff=0.7)
    return f"There is no {what} {name.strip()[:100]!r}" + (f"; did you mean {by_lower[near[0]]!r}?" if near else ".")


def and_more(names: Sequence[str], most: int = 5) -> str:
    """'a, b and 3 more': the first `most` names, and how many there are besides."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def all_of(words: Sequence[str]) -> str:
    """'a', 'a and b' or 'a, b and c'."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def csv_cell(value: object) -> object:
    """Text that a spreadsheet would run as a formula gets an apostrophe in front; everything else is unchanged."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def duration(seconds: float | None) -> str:
    """About how long, in the largest unit that fits."""
    if seconds is None:
        return UNKNOWN
    seconds = max(0, round(seconds))
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} days"


def ago(then: float, now: float | None = None) -> str:
    """How long before now a unix time was, or its date after two days."""
    seconds = (time.time() if now is None else now) - then
    if seconds < 60:
        return "just now"
    if seconds < 48 * 3600:
        return f"{duration(seconds)} ago"
    return time.strftime("%d %b %Y", time.localtime(then))


def size(count: float | None) -> str:
    """Bytes as kB, MB or GB (powers of ten)."""
    if count is None:
        return UNKNOWN
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}" if count < 10 * scale else f"{count / scale:.0f} {unit}"
    return f"{count:.0f} bytes"


def number(value: object, digits: int = 4) -> str:
    """A score with so many significant digits."""
    return f"{value:.{digits}g}" if isinstance(value, int | float) else UNKNOWN


def interval(ends: Sequence[float] | None) -> str:
    """'0.01 to 0.02'."""
    return f"{number(ends[0])} to {number(ends[1])}" if ends else UNKNOWN


def percent(value: object) -> str:
    """A share of 1 as '12.5 %'."""
    return f"{100 * value:.1f} %" if isinstance(value, int | float) else UNKNOWN


def percent_interval(ends: Sequence[float] | None) -> str:
    """'12.5 % to 13.0 %'."""
    return f"{percent(ends[0])} to {percent(ends[1])}" if ends else UNKNOWN


def points(value: object) -> str:
    """A difference of two shares, in percentage points with its sign."""
    return f"{100 * value:+.1f}" if isinstance(value, int | float) else UNKNOWN


def points_interval(ends: Sequence[float] | None) -> str:
    """'-1.0 to +2.5', in percentage points."""
    return f"{points(ends[0])} to {points(ends[1])}" if ends else UNKNOWN
