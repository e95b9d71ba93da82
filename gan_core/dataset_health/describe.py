"""The findings of a check: from the counts of an import, from single images, and from comparing images with each other."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_core.data.dataset import DatasetInfo
from gan_core.dataset_health.findings import Finding, Picture
from gan_core.dataset_health.image_stats import ImageStats
from gan_core.settings.families import SIZES
from gan_core.text import and_more, count

LONG = 3.0  # times as long as high, or the reverse
MIXED = 0.01  # share of grey images in a colour set, and of colored ones, that makes a mixture
UNEVEN, VERY_UNEVEN = 2.0, 10.0  # times the smallest class
TOO_FEW, FEW = 10, 100  # training images of a class
SHOWN = 24  # images, or pairs, that a page shows of a finding
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "F")


def of_info(info: DatasetInfo) -> list[Finding]:
    """What the counts of the import alone say."""
    health, found = info.health, []
    for kind, level, least, below in (("few", "high", 0, TOO_FEW), ("small", "medium", TOO_FEW, FEW)):
        names = [
            f"{name} ({count})"
            for name, count in zip(info.classes, info.train_counts, strict=True)
            if least <= count < below
        ]
        if names:
            title = f"Fewer than {below} training images in {and_more(names)}"
            found.append(Finding(kind, level, title, len(names)))
    if torn := health.get("conflicts", 0):
        title = f"{count(torn, 'image')} {'is' if torn == 1 else 'are'} in more than one class"
        found.append(Finding("conflicts", "high", title, torn, hint="Check the images to see which ones."))
    if (ratio := health.get("imbalance", 1)) >= UNEVEN:
        title = f"The largest class has {ratio:g} times the images of the smallest"
        found.append(Finding("imbalance", "medium" if ratio >= VERY_UNEVEN else "low", title, len(info.classes)))
    colored = sum(count for mode, count in health.get("source_modes", {}).items() if mode not in GREY_MODES)
    if info.mode == "L" and colored:
        title = f"{count(colored, 'image')} came as colour files and {were(colored)} converted to grey"
        hint = "If they have colours that matter, import again with the colour mode 'Colour'."
        found.append(Finding("colour_lost", "low", title, colored, "import_again", hint=hint, proposes={"mode": "RGB"}))
    if rejected := health.get("rejected", 0):
        files = "1 file" if rejected == 1 else f"{rejected:,} files"
        title = f"{files} could not be used"
        found.append(
            Finding("rejected", "medium" if rejected > MIXED * health.get("images", 0) else "low", title, rejected)
        )
    if copies := health.get("duplicates", 0):
        title = f"{'1 exact copy was' if copies == 1 else f'{copies:,} exact copies were'} left out by the import"
        found.append(Finding("duplicates", "low", title, copies))
    return found


def of_pixels(stats: ImageStats, info: DatasetInfo) -> list[Finding]:
    """Findings about single images."""
    found = [blank(stats), extreme_aspect(stats, info), enlarged(stats, info), mixed_colors(stats, info)]
    return [one for one in found if one is not None]


def blank(stats: ImageStats) -> Finding | None:
    rows = np.flatnonzero(stats.flat)
    title = f"{count(len(rows), 'image')} {'is' if len(rows) == 1 else 'are'} nearly blank"
    return single("blank", "medium", title, rows, stats) if len(rows) else None


def extreme_aspect(stats: ImageStats, info: DatasetInfo) -> Finding | None:
    low, high = stats.sides.min(axis=1), stats.sides.max(axis=1)
    rows = np.flatnonzero((low > 0) & (high > LONG * low))
    if not len(rows):
        return None
    title = f"{count(len(rows), 'image')} {'is' if len(rows) == 1 else 'are'} more than {LONG:g} times as long as wide"
    rows = rows[np.argsort(-high[rows] / low[rows], kind="stable")]
    padding = Remedy(
        "import_again", "Import again with the fit 'Pad to a square', which keeps the whole image.", {"fit": "pad"}
    )
    return single(
        "extreme_aspect", "medium", title, rows, stats, EXCLUDE if info.fit == "pad" else padding, sizes(stats, rows)
    )


def enlarged(stats: ImageStats, info: DatasetInfo) -> Finding | None:
    fitted = stats.sides.max(axis=1) if info.fit == "pad" else stats.sides.min(axis=1)  # the side that fills the square
    rows, many = np.flatnonzero((fitted > 0) & (fitted < info.size)), len(stats.labels)
    if not len(rows):
        return None
    were = "was" if len(rows) == 1 else "were"
    title = f"{count(len(rows), 'image')} of {many:,} {were} smaller than {info.size} px and enlarged"
    rows = rows[np.argsort(fitted[rows], kind="stable")]
    fitting = max([size for size in SIZES if size <= np.median(fitted[fitted > 0])], default=SIZES[0])
    if len(rows) > many / 2 and fitting < info.size:
        smaller = Remedy("import_again", f"Import again at {fitting} px.", {"size": fitting})
        return single("enlarged", "medium", title, rows, stats, smaller, sizes(stats, rows))
    return single("enlarged", "low", title, rows, stats, EXCLUDE, sizes(stats, rows))


def mixed_colors(stats: ImageStats, info: DatasetInfo) -> Finding | None:
    many = len(stats.labels)
    if info.mode != "RGB" or not MIXED * many <= stats.grey.sum() <= (1 - MIXED) * many:
        return None
    rows = np.flatnonzero(stats.grey)
    title = f"{len(rows):,} of {many:,} images are grey, the others have colours"
    hint = "Import again with the colour mode 'Grey', or exclude the grey images."
    return single("grey", "medium", title, rows, stats, Remedy("import_again", hint, {"mode": "L"}))


def sizes(stats: ImageStats, rows: np.ndarray) -> list[str]:
    return [f"{width} × {height} px" for width, height in stats.sides[rows]]


class Remedy(NamedTuple):
    """What one click does about a finding: action, hint and proposes of Finding."""

    action: str
    hint: str = ""
    proposes: Mapping[str, Any] = {}  # never changed


EXCLUDE = Remedy("exclude")


def single(
    kind: str,
    level: str,
    title: str,
    rows: np.ndarray,
    stats: ImageStats,
    remedy: Remedy = EXCLUDE,
    notes: Sequence[str] = (),
) -> Finding:
    """A finding about images one by one; rows of `stats`, the clearest first. notes: what is seen in each, or none."""
    shown = [
        [picture(stats, int(row), notes[at] if notes else "")]
        for at, row in enumerate(rows[:SHOWN] if notes else spread(rows))
    ]
    action, hint, proposes = remedy
    return Finding(kind, level, title, len(rows), action, places(stats, rows), shown, hint, proposes=proposes)


def spread(rows: np.ndarray) -> np.ndarray:
    """At most SHOWN of the rows, evenly from all of them."""
    return rows if len(rows) <= SHOWN else rows[np.linspace(0, len(rows) - 1, SHOWN).round().astype(int)]


def picture(stats: ImageStats, row: int, note: str = "") -> Picture:
    return Picture(*stats.place(row), stats.names[row], stats.classes[stats.labels[row]], note)


def places(stats: ImageStats, rows: Iterable[int]) -> list[tuple[str, int]]:
    return [stats.place(row) for row in rows]


def pairs_shown(stats: ImageStats, pairs: np.ndarray, mirrored: np.ndarray) -> list[list[Picture]]:
    """pairs int64 [P, 2] of rows of `stats`, the nearest first; mirrored bool [P]."""
    return [
        [picture(stats, int(first)), picture(stats, int(second), "mirrored" if flipped else "")]
        for (first, second), flipped in zip(pairs[:SHOWN], mirrored[:SHOWN], strict=True)
    ]


def leaks(stats: ImageStats, rows: np.ndarray, stays: np.ndarray, pairs: np.ndarray, mirrored: np.ndarray) -> Finding:
    """rows: images to leave out, stays: that of another split for each; pairs: [image, that of a later split]."""
    held_out = len(np.unique(pairs[:, 1]))
    have = "held-out image has" if held_out == 1 else "held-out images have"
    return Finding(
        "leaks",
        "high",
        f"{held_out:,} {have} a near duplicate in another split",
        held_out,
        "keep_one",
        places(stats, rows),
        pairs_shown(stats, pairs, mirrored),
        f"Excludes {count(len(rows), 'image')}: test keeps its image before validation, and validation before train.",
        places(stats, stays),
    )


def near_duplicates(
    stats: ImageStats, rows: np.ndarray, stays: np.ndarray, pairs: np.ndarray, mirrored: np.ndarray
) -> Finding:
    """rows: images to leave out so that one of each group stays, which is stays."""
    return Finding(
        "near_duplicates",
        "medium" if len(rows) > MIXED * len(stats.labels) else "low",
        f"{count(len(rows), 'near duplicate')} of an image of the same class",
        len(rows),
        "keep_one",
        places(stats, rows),
        pairs_shown(stats, pairs, mirrored),
        "One image of each group stays.",
        places(stats, stays),
    )


def conflicts(stats: ImageStats, pairs: np.ndarray, mirrored: np.ndarray) -> Finding:
    rows = np.unique(pairs)
    title = f"{'1 image lies' if len(pairs) == 1 else f'{len(pairs):,} images lie'} in two classes, as near duplicates"
    hint = "Excludes both images of each pair, because Ganvas cannot know which label is right."
    shown = pairs_shown(stats, pairs, mirrored)
    return Finding("conflicts", "high", title, len(pairs), "exclude", places(stats, rows), shown, hint)


def covering(finding: Finding, parts: Sequence[str]) -> Finding:
    """The finding, with the number of images that were compared in its title."""
    return finding._replace(title=f"{finding.title} ({', '.join(parts)})") if parts else finding


def outliers(stats: ImageStats, rows: np.ndarray) -> Finding:
    one = len(rows) == 1
    title = (
        f"{count(len(rows), 'image')} {'is' if one else 'are'} far from the rest of {'its' if one else 'their'} class"
    )
    shown = [[picture(stats, int(row))] for row in rows[:SHOWN]]
    return Finding("outliers", "low", title, len(rows), "exclude", places(stats, rows), shown)


def suspects(stats: ImageStats, rows: np.ndarray, seems: np.ndarray) -> Finding:
    """seems: the class that each looks like."""
    title = f"{count(len(rows), 'image')} {'looks' if len(rows) == 1 else 'look'} like another class"
    shown = [
        [picture(stats, int(row), f"looks like {stats.classes[label]}")]
        for row, label in zip(rows[:SHOWN], seems, strict=False)
    ]
    hint = "Look at them first: some are only difficult images of the right class."
    return Finding("suspects", "low", title, len(rows), "exclude", places(stats, rows), shown, hint)


def were(count: int) -> str:
    return "was" if count == 1 else "were"
