"""Words on the pages: names shown letter for letter, and amounts as people say them."""

import re
import time
from string import punctuation

from gan_core.errors import UserError

JOINER = "\u2060"  # WORD JOINER, invisible: stops what Streamlit does to text *after* markdown escapes are gone

# :smile: and :material/x: become icons, http:// and www. and a@b become links, -> and -- become other signs.
LATE = re.compile(r":(?=[\w/+-])|@(?=\w)|(?<=www)(?=\.)|[-<>~](?=[-=>])")
SPECIAL = re.compile("([" + re.escape(punctuation) + "])")


def plain(text: object) -> str:
    """text so that Streamlit's markdown shows it literally: no picture, link, colour, icon, formula or HTML."""
    line = " ".join(str(text).split())
    return SPECIAL.sub(r"\\\1", LATE.sub(lambda found: found[0] + JOINER, line))


def sentence(error: UserError | dict[str, str]) -> str:
    """'what todo' of a refusal or of a job's stored error, escaped for markdown."""
    what, todo = (
        (error.what, error.todo) if isinstance(error, UserError) else (error.get("what", ""), error.get("todo", ""))
    )
    return plain(f"{what} {todo}")


def duration(seconds: float | None) -> str:
    """About how long, in the largest unit that fits; '–' where it is not known."""
    if seconds is None:
        return "–"
    seconds = max(0, round(seconds))
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} days"


def size(count: float | None) -> str:
    """Bytes as kB, MB or GB (powers of ten)."""
    if count is None:
        return "–"
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}" if count < 10 * scale else f"{count / scale:.0f} {unit}"
    return f"{count:.0f} bytes"


def ago(then: float, now: float | None = None) -> str:
    """When it was, seen from now."""
    seconds = (time.time() if now is None else now) - then
    if seconds < 60:
        return "just now"
    if seconds < 48 * 3600:
        return f"{duration(seconds)} ago"
    return time.strftime("%d %b %Y", time.localtime(then))


def count(number: int, one: str, many: str = "") -> str:
    """'1 image', '2,000 images'. many: the plural, where it is not made with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def number(value: float | None) -> str:
    """A score with four significant digits; '–' where there is none."""
    return "–" if value is None else f"{value:.4g}"


def csv_cell(value: object) -> object:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe."""
    return "'" + value if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value
