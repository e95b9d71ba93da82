"""Findings in words: of the counts of an import, of single pictures, and of pictures beside each other."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gan_core.data.dataset import SIZES, DatasetInfo
from gan_core.dataset_health.findings import Finding, Picture
from gan_core.dataset_health.image_stats import Facts
from gan_core.text import and_more, count

LONG = 3.0  # times as long as high, or the reverse
MIXED = 0.01  # share of grey pictures in a colour set, and of coloured ones, that makes a mixture
UNEVEN, VERY_UNEVEN = 2.0, 10.0  # times the smallest class
TOO_FEW, FEW = 10, 100  # training pictures of a class
SHOWN = 24  # pictures, or pairs, that a page shows of a finding
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
            title = f"Fewer than {below} training pictures in {and_more(names)}"
            found.append(Finding(kind, level, title, len(names)))
    if torn := health.get("conflicts", 0):
        title = f"{count(torn, 'picture')} {'is' if torn == 1 else 'are'} in more than one class"
        found.append(Finding("conflicts", "high", title, torn, hint="A closer look shows which."))
    if (ratio := health.get("imbalance", 1)) >= UNEVEN:
        title = f"The largest class has {ratio:g} times the pictures of the smallest"
        found.append(Finding("imbalance", "medium" if ratio >= VERY_UNEVEN else "low", title, len(info.classes)))
    coloured = sum(count for mode, count in health.get("source_modes", {}).items() if mode not in GREY_MODES)
    if info.mode == "L" and coloured:
        title = f"{count(coloured, 'picture')} came as colour files and {were(coloured)} made grey"
        hint = "If they have colours that matter, import again with the colour mode 'Colour'."
        found.append(
            Finding("colour_lost", "low", title, coloured, "import_again", hint=hint, proposes={"mode": "RGB"})
        )
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


def of_pixels(facts: Facts, info: DatasetInfo) -> list[Finding]:
    """What each picture says on its own."""
    found, many = [], len(facts.labels)
    if len(rows := np.flatnonzero(facts.flat)):
        title = f"{count(len(rows), 'picture')} {'shows' if len(rows) == 1 else 'show'} next to nothing"
        found.append(single("blank", "medium", title, rows, facts, info, "exclude"))
    low, high = facts.sides.min(axis=1), facts.sides.max(axis=1)
    if len(rows := np.flatnonzero((low > 0) & (high > LONG * low))):
        title = f"{count(len(rows), 'picture')} {'is' if len(rows) == 1 else 'are'} more than {LONG:g} times as long as wide"
        rows = rows[np.argsort(-high[rows] / low[rows], kind="stable")]
        notes = [f"{width} × {height} px" for width, height in facts.sides[rows]]
        action, hint = "import_again", "Import again with the fit 'Pad to a square', which keeps the whole picture."
        if info.fit == "pad":
            action, hint = "exclude", ""
        proposes = {"fit": "pad"} if action == "import_again" else {}
        found.append(single("extreme_aspect", "medium", title, rows, facts, info, action, hint, notes, proposes))
    fitted = high if info.fit == "pad" else low  # the side that fills the square
    if len(rows := np.flatnonzero((fitted > 0) & (fitted < info.size))):
        title = f"{count(len(rows), 'picture')} of {many:,} {'was' if len(rows) == 1 else 'were'} smaller than {info.size} px and enlarged"
        fitting = max([size for size in SIZES if size <= np.median(fitted[fitted > 0])], default=SIZES[0])
        hint = f"Import again at {fitting} px." if fitting < info.size else ""
        rows = rows[np.argsort(fitted[rows], kind="stable")]
        notes = [f"{width} × {height} px" for width, height in facts.sides[rows]]
        level, action = ("medium", "import_again") if len(rows) > many / 2 and hint else ("low", "exclude")
        changes: dict[str, Any] = {"size": fitting} if action != "exclude" else {}
        hint = hint if changes else ""
        found.append(single("enlarged", level, title, rows, facts, info, action, hint, notes, changes))
    if info.mode == "RGB" and MIXED * many <= facts.grey.sum() <= (1 - MIXED) * many:
        rows = np.flatnonzero(facts.grey)
        title = f"{len(rows):,} of {many:,} pictures are grey, the others have colours"
        hint = "Import again with the colour mode 'Grey', or leave the grey ones out."
        found.append(single("grey", "medium", title, rows, facts, info, "import_again", hint, proposes={"mode": "L"}))
    return found


def single(
    kind: str,
    level: str,
    title: str,
    rows: np.ndarray,
    facts: Facts,
    info: DatasetInfo,
    action: str,
    hint: str = "",
    notes: Sequence[str] = (),
    proposes: Mapping[str, Any] | None = None,
) -> Finding:
    """A finding about pictures one by one; rows of `facts`, the clearest first."""
    shown = [
        [picture(facts, info, int(row), notes[at] if notes else "")]
        for at, row in enumerate(spread(rows) if not notes else rows[:SHOWN])
    ]
    return Finding(kind, level, title, len(rows), action, places(facts, rows), shown, hint, proposes=proposes or {})


def spread(rows: np.ndarray) -> np.ndarray:
    """At most SHOWN of the rows, evenly from all of them."""
    return rows if len(rows) <= SHOWN else rows[np.linspace(0, len(rows) - 1, SHOWN).round().astype(int)]


def picture(facts: Facts, info: DatasetInfo, row: int, note: str = "") -> Picture:
    split = "test" if facts.held_out[row] else "train"
    return Picture(split, int(facts.rows[row]), facts.names[row], info.classes[facts.labels[row]], note)


def places(facts: Facts, rows: Iterable[int]) -> list[tuple[str, int]]:
    return [("test" if facts.held_out[row] else "train", int(facts.rows[row])) for row in rows]


def pairs_shown(facts: Facts, info: DatasetInfo, pairs: np.ndarray, mirrored: np.ndarray) -> list[list[Picture]]:
    """pairs int64 [P, 2] of rows of `facts`, the nearest first; mirrored bool [P]."""
    return [
        [picture(facts, info, int(first)), picture(facts, info, int(second), "mirrored" if flipped else "")]
        for (first, second), flipped in zip(pairs[:SHOWN], mirrored[:SHOWN], strict=True)
    ]


def leaks(
    facts: Facts, info: DatasetInfo, rows: np.ndarray, stays: np.ndarray, pairs: np.ndarray, mirrored: np.ndarray
) -> Finding:
    """rows: training pictures to leave out, stays: the test picture for each; pairs: [training picture, test picture]."""
    tested = len(np.unique(pairs[facts.held_out[pairs]]))
    title = (
        f"{'1 test picture has' if tested == 1 else f'{tested:,} test pictures have'} a near copy in the training part"
    )
    hint = f"Leaves {count(len(rows), 'picture')} out of the training part; the test part keeps its own."
    shown = pairs_shown(facts, info, pairs, mirrored)
    return Finding("leaks", "high", title, tested, "keep_one", places(facts, rows), shown, hint, places(facts, stays))


def near_duplicates(
    facts: Facts, info: DatasetInfo, rows: np.ndarray, stays: np.ndarray, pairs: np.ndarray, mirrored: np.ndarray
) -> Finding:
    """rows: what goes so that one of each stays, which is stays."""
    title = f"{'1 near copy' if len(rows) == 1 else f'{len(rows):,} near copies'} of a picture of the same class"
    level = "medium" if len(rows) > MIXED * len(facts.labels) else "low"
    shown = pairs_shown(facts, info, pairs, mirrored)
    hint = "One of each group stays."
    return Finding(
        "near_duplicates",
        level,
        title,
        len(rows),
        "keep_one",
        places(facts, rows),
        shown,
        hint,
        places(facts, stays),
    )


def conflicts(facts: Facts, info: DatasetInfo, pairs: np.ndarray, mirrored: np.ndarray) -> Finding:
    rows = np.unique(pairs)
    title = f"{'1 picture lies' if len(pairs) == 1 else f'{len(pairs):,} pictures lie'} in two classes, as near copies"
    hint = "Leaves both of each pair out: which label is right is for you to say."
    shown = pairs_shown(facts, info, pairs, mirrored)
    return Finding("conflicts", "high", title, len(pairs), "exclude", places(facts, rows), shown, hint)


def covering(finding: Finding, parts: Sequence[str]) -> Finding:
    """The finding, its title with what it was looked for among."""
    return finding._replace(title=f"{finding.title} ({', '.join(parts)})") if parts else finding


def outliers(facts: Facts, info: DatasetInfo, rows: np.ndarray) -> Finding:
    one = len(rows) == 1
    title = (
        f"{count(len(rows), 'picture')} {'is' if one else 'are'} far from the rest of {'its' if one else 'their'} class"
    )
    shown = [[picture(facts, info, int(row))] for row in rows[:SHOWN]]
    return Finding("outliers", "low", title, len(rows), "exclude", places(facts, rows), shown)


def suspects(facts: Facts, info: DatasetInfo, rows: np.ndarray, seems: np.ndarray) -> Finding:
    """seems: the class that each looks like."""
    title = f"{count(len(rows), 'picture')} {'looks' if len(rows) == 1 else 'look'} like another class"
    shown = [
        [picture(facts, info, int(row), f"looks like {info.classes[label]}")]
        for row, label in zip(rows[:SHOWN], seems, strict=False)
    ]
    hint = "Look first: some are only hard pictures of the right class."
    return Finding("suspects", "low", title, len(rows), "exclude", places(facts, rows), shown, hint)


def were(count: int) -> str:
    return "was" if count == 1 else "were"
