"""What a look at a dataset found, each finding with what it does to a GAN and what one click can do about it.

health.json   {"schema": 1, "looked_at", "of", "seed", "extractor", "findings": [Finding, ...]}, in the dataset's folder
means.npy     uint8 [classes, H, W, C], the mean training picture of the first MOST_MEANS classes

What the counts alone say (`of_info`) needs neither file. Nothing here changes a picture: see exclusions.py and curate.py.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_core.data.dataset import SIZES, DatasetInfo, ImageSet, known_items
from gan_core.errors import Stopped
from gan_core.workspace import read_json, write_json

SCHEMA = 1
LEVELS = ("high", "medium", "low")
FLAT = 3.0  # levels: a picture whose every channel varies by less shows nothing
LONG = 3.0  # times as long as high, or the reverse
MIXED = 0.01  # share of grey pictures in a colour set, and of coloured ones, that makes a mixture
UNEVEN, VERY_UNEVEN = 2.0, 10.0  # times the smallest class
TOO_FEW, FEW = 10, 100  # training pictures of a class
SHOWN = 24  # pictures, or pairs, that a page shows of a finding
MOST_MEANS = 60
READ_BYTES = 8 << 20


class Picture(NamedTuple):
    """One picture of a finding. note: what is seen in it, '' for nothing."""

    split: str
    row: int
    name: str
    label: str
    note: str = ""


class Finding(NamedTuple):
    """kind: a key of EFFECTS. rows: (split, row) that the click leaves out. shown: one or two pictures each, the clearest first.

    action: 'exclude', 'keep_one', 'import_again' or None. hint: what the action does or what to choose, one sentence or ''.
    """

    kind: str
    level: str
    title: str
    total: int
    action: str | None = None
    rows: Sequence[tuple[str, int]] = ()
    shown: Sequence[Sequence[Picture]] = ()
    hint: str = ""
    keeps: Sequence[tuple[str, int]] = ()  # of 'keep_one', beside each of rows: the picture that stays

    @property
    def effect(self) -> str:
        return EFFECTS[self.kind]


class Health(NamedTuple):
    """looked_at: pictures compared with each other, of so many."""

    looked_at: int
    of: int
    findings: list[Finding]


# What each finding does to a GAN.
EFFECTS = {
    "leaks": "What is trained on must not be tested on: scores on the test part come out too good, and a network that copies is "
    "praised for it.",
    "conflicts": "One picture under two labels: the GAN blends these classes, and a classifier gets one of the two wrong "
    "whatever it does.",
    "suspects": "A picture under the wrong label teaches the GAN to draw the wrong thing when this class is asked for.",
    "near_duplicates": "A picture that is there several times is seen several times as often: the GAN draws it too often, "
    "and learns it by heart first.",
    "outliers": "A GAN cannot learn what it sees once: it leaves such a picture out, or copies it, and D knows it by sight.",
    "blank": "D learns that an empty picture is a real one, so the GAN is free to draw empty pictures.",
    "few": "Of so few pictures a GAN learns copies and not kinds; an export fills such a class without a GAN.",
    "small": "A GAN may learn so few pictures by heart: choose a recipe for few images, or train with ADA.",
    "imbalance": "The GAN sees the large classes more often and draws the small ones worse and with less variety. Export can "
    "even out the numbers.",
    "extreme_aspect": "Made square, such a picture is a part of its object, a squeezed one, or a narrow strip: the GAN learns "
    "that shape as real.",
    "enlarged": "An enlarged picture is soft, and the GAN learns the softness as if it were part of the class.",
    "grey": "The GAN draws some of its pictures without colour, as it saw them; where one class has more of them, grey comes to "
    "mean that class.",
    "colour_lost": "The GAN cannot learn colours that it never sees.",
    "rejected": "They are not part of the dataset; where they were all of one class, that class is smaller than you think.",
    "duplicates": "One of each stayed, so no picture counts twice.",
}

# What is left out, in few words; "chosen" are pictures that a person named.
NAMES = {
    "leaks": "copies of test pictures",
    "conflicts": "in two classes",
    "suspects": "like another class",
    "near_duplicates": "near copies",
    "outliers": "far from their class",
    "blank": "blank",
    "extreme_aspect": "very long",
    "enlarged": "enlarged",
    "grey": "grey",
    "chosen": "chosen by hand",
}


class Facts(NamedTuple):
    """Of every picture, the training rows and then the test rows. sides: width and height in px before the import, 0 not known."""

    labels: np.ndarray
    held_out: np.ndarray
    rows: np.ndarray
    flat: np.ndarray
    grey: np.ndarray
    sides: np.ndarray
    names: list[str]
    sha256: list[str]


def gather(
    folder: Path,
    train: ImageSet,
    test: ImageSet,
    tell: Callable[[float], None] = lambda share: None,
) -> Facts:
    """Read every picture once. What items.jsonl does not say (an older import, a torn file) stays unknown."""
    counts = len(train.labels), len(test.labels)
    total = sum(counts)
    flat, grey = np.zeros(total, bool), np.zeros(total, bool)
    done = 0
    for images in (train.images, test.images):
        for chunk in chunks(images):
            at = slice(done, done + len(chunk))
            flat[at] = chunk.std(axis=(1, 2), dtype=np.float32).max(axis=1) < FLAT
            grey[at] = (chunk == chunk[..., :1]).all(axis=(1, 2, 3))
            done += len(chunk)
            tell(done / total)
    sides, names, sha256 = np.zeros((total, 2), np.int64), [""] * total, [""] * total
    for item in known_items(folder):
        at = item["row"] + (counts[0] if item["split"] == "test" else 0)
        if 0 <= item["row"] < counts[item["split"] == "test"]:
            names[at], sha256[at] = str(item.get("name", "")), str(item.get("sha256", ""))
            sides[at] = item.get("width") or 0, item.get("height") or 0
    return Facts(
        np.concatenate([train.labels, test.labels]),
        np.arange(total) >= counts[0],
        np.concatenate([np.arange(count) for count in counts]),
        flat,
        grey,
        sides,
        names,
        sha256,
    )


def chunks(images: np.ndarray) -> Iterable[np.ndarray]:
    step = max(1, READ_BYTES // max(1, images[:1].nbytes))
    for start in range(0, len(images), step):
        yield np.asarray(images[start : start + step])


def even_sample(labels: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most `most` rows, int64 ascending: as many of each class as it has, up to the same number. The seed draws which."""
    generator = np.random.Generator(np.random.PCG64(seed))
    turn = np.empty(len(labels), np.int64)  # the place of a row in a random order of its class
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        turn[rows] = generator.permutation(len(rows))
    return np.sort(np.lexsort((labels, turn))[:most])


def class_means(train: ImageSet, should_stop: Callable[[], bool] = lambda: False) -> np.ndarray:
    """uint8 [K, H, W, C]: the mean training picture of each of the first MOST_MEANS classes."""
    means = np.zeros((min(len(train.classes), MOST_MEANS), *train.images.shape[1:]), np.uint8)
    for label in range(len(means)):
        rows = np.flatnonzero(np.asarray(train.labels) == label)
        total = np.zeros(train.images.shape[1:])
        step = max(1, READ_BYTES // max(1, train.images[:1].nbytes))
        for start in range(0, len(rows), step):
            if should_stop():
                raise Stopped
            total += train.images[rows[start : start + step]].sum(axis=0, dtype=np.float64)
        means[label] = np.rint(total / max(1, len(rows)))
    return means


# -- what was found, in words ------------------------------------------------------------------------------------------


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
            title = f"Fewer than {below} training pictures in {several(names)}"
            found.append(Finding(kind, level, title, len(names)))
    if torn := health.get("conflicts", 0):
        title = f"{pictures(torn)} {'is' if torn == 1 else 'are'} in more than one class"
        found.append(Finding("conflicts", "high", title, torn, hint="A closer look shows which."))
    if (ratio := health.get("imbalance", 1)) >= UNEVEN:
        title = f"The largest class has {ratio:g} times the pictures of the smallest"
        found.append(Finding("imbalance", "medium" if ratio >= VERY_UNEVEN else "low", title, len(info.classes)))
    coloured = sum(count for mode, count in health.get("source_modes", {}).items() if mode not in GREY_MODES)
    if info.mode == "L" and coloured:
        title = f"{pictures(coloured)} came as colour files and {were(coloured)} made grey"
        hint = "If they have colours that matter, import again with the colour mode 'Colour'."
        found.append(Finding("colour_lost", "low", title, coloured, "import_again", hint=hint))
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


GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "F")


def of_pixels(facts: Facts, info: DatasetInfo) -> list[Finding]:
    """What each picture says on its own."""
    found, many = [], len(facts.labels)
    if len(rows := np.flatnonzero(facts.flat)):
        title = f"{pictures(len(rows))} {'shows' if len(rows) == 1 else 'show'} next to nothing"
        found.append(single("blank", "medium", title, rows, facts, info, "exclude"))
    low, high = facts.sides.min(axis=1), facts.sides.max(axis=1)
    if len(rows := np.flatnonzero((low > 0) & (high > LONG * low))):
        title = f"{pictures(len(rows))} {'is' if len(rows) == 1 else 'are'} more than {LONG:g} times as long as wide"
        rows = rows[np.argsort(-high[rows] / low[rows], kind="stable")]
        notes = [f"{width} × {height} px" for width, height in facts.sides[rows]]
        action, hint = "import_again", "Import again with the fit 'Pad to a square', which keeps the whole picture."
        if info.fit == "pad":
            action, hint = "exclude", ""
        found.append(single("extreme_aspect", "medium", title, rows, facts, info, action, hint, notes))
    fitted = high if info.fit == "pad" else low  # the side that fills the square
    if len(rows := np.flatnonzero((fitted > 0) & (fitted < info.size))):
        title = f"{pictures(len(rows))} of {many:,} {'was' if len(rows) == 1 else 'were'} smaller than {info.size} px and enlarged"
        fitting = max([size for size in SIZES if size <= np.median(fitted[fitted > 0])], default=SIZES[0])
        hint = f"Import again at {fitting} px." if fitting < info.size else ""
        rows = rows[np.argsort(fitted[rows], kind="stable")]
        notes = [f"{width} × {height} px" for width, height in facts.sides[rows]]
        level, action = ("medium", "import_again") if len(rows) > many / 2 and hint else ("low", "exclude")
        found.append(
            single("enlarged", level, title, rows, facts, info, action, hint if action != "exclude" else "", notes)
        )
    if info.mode == "RGB" and MIXED * many <= facts.grey.sum() <= (1 - MIXED) * many:
        rows = np.flatnonzero(facts.grey)
        title = f"{len(rows):,} of {many:,} pictures are grey, the others have colours"
        hint = "Import again with the colour mode 'Grey', or leave the grey ones out."
        found.append(single("grey", "medium", title, rows, facts, info, "import_again", hint))
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
) -> Finding:
    """A finding about pictures one by one; rows of `facts`, the clearest first."""
    shown = [
        [picture(facts, info, int(row), notes[at] if notes else "")]
        for at, row in enumerate(spread(rows) if not notes else rows[:SHOWN])
    ]
    return Finding(kind, level, title, len(rows), action, places(facts, rows), shown, hint)


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
    hint = f"Leaves {pictures(len(rows))} out of the training part; the test part keeps its own."
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


def outliers(facts: Facts, info: DatasetInfo, rows: np.ndarray) -> Finding:
    one = len(rows) == 1
    title = f"{pictures(len(rows))} {'is' if one else 'are'} far from the rest of {'its' if one else 'their'} class"
    shown = [[picture(facts, info, int(row))] for row in rows[:SHOWN]]
    return Finding("outliers", "low", title, len(rows), "exclude", places(facts, rows), shown)


def suspects(facts: Facts, info: DatasetInfo, rows: np.ndarray, seems: np.ndarray) -> Finding:
    """seems: the class that each looks like."""
    title = f"{pictures(len(rows))} {'looks' if len(rows) == 1 else 'look'} like another class"
    shown = [
        [picture(facts, info, int(row), f"looks like {info.classes[label]}")]
        for row, label in zip(rows[:SHOWN], seems, strict=False)
    ]
    hint = "Look first: some are only hard pictures of the right class."
    return Finding("suspects", "low", title, len(rows), "exclude", places(facts, rows), shown, hint)


def same_bytes(facts: Facts) -> np.ndarray:
    """int64 [P, 2]: rows of the same file in two classes."""
    first: dict[str, int] = {}
    pairs = []
    for row, digest in enumerate(facts.sha256):
        if digest and first.setdefault(digest, row) != row and facts.labels[first[digest]] != facts.labels[row]:
            pairs.append((first[digest], row))
    return np.array(pairs, np.int64).reshape(-1, 2)


def pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count:,} pictures"


def were(count: int) -> str:
    return "was" if count == 1 else "were"


def several(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


# -- on disk -----------------------------------------------------------------------------------------------------------


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The gravest first; within a level in the order of EFFECTS."""
    kinds = list(EFFECTS)
    return sorted(findings, key=lambda one: (LEVELS.index(one.level), kinds.index(one.kind)))


def write(folder: Path, health: Health, seed: int, extractor: str) -> None:
    write_json(
        folder / "health.json",
        {
            "schema": SCHEMA,
            "looked_at": health.looked_at,
            "of": health.of,
            "seed": seed,
            "extractor": extractor,
            "findings": [
                {
                    "kind": one.kind,
                    "level": one.level,
                    "title": one.title,
                    "effect": one.effect,
                    "action": one.action,
                    "hint": one.hint,
                    "count": one.total,
                    "rows": one.rows,
                    "keeps": one.keeps,
                    "shown": [[picture._asdict() for picture in group] for group in one.shown],
                }
                for one in health.findings
            ],
        },
    )


def read(folder: Path) -> Health | None:
    """What the last look found; None where there was none, or where its file is torn or of another version."""
    try:
        value: dict[str, Any] = read_json(folder / "health.json") or {}
        if value.get("schema") != SCHEMA:
            return None
        return Health(int(value["looked_at"]), int(value["of"]), in_order(map(parse, value["findings"])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def parse(value: dict[str, Any]) -> Finding:
    """One entry of health.json. Raises ValueError, KeyError or TypeError where it is not one."""
    if value["kind"] not in EFFECTS or value["level"] not in LEVELS:
        raise ValueError(value["kind"])
    return Finding(
        value["kind"],
        value["level"],
        str(value["title"]),
        int(value["count"]),
        value["action"],
        [(str(split), int(row)) for split, row in value["rows"]],
        [[Picture(**one) for one in group] for group in value["shown"]],
        str(value["hint"]),
        tuple((str(split), int(row)) for split, row in value.get("keeps", ())),
    )


def read_means(folder: Path, info: DatasetInfo) -> np.ndarray | None:
    """uint8 [K, H, W, C], or None where no look has left them whole."""
    try:
        means = np.load(folder / "means.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = means.dtype == np.uint8 and means.shape[1:] == (info.size, info.size, info.channels)
    return means if fits and len(means) <= len(info.classes) else None
