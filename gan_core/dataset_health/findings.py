"""What a check of a dataset found: each finding with its effect on a GAN and what one click can do about it, as it lies on disk.

health.json   {"schema": 1, "looked_at", "of", "seed", "extractor", "findings": [Finding, ...]}, in the dataset's folder

image_stats.py and duplicates_and_outliers.py read the images, describe.py turns the results into findings. Nothing changes an
image: see exclusions.py and curate.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gan_core.data.dataset import Split
from gan_core.data.dataset_files import place
from gan_core.storage.workspace import read_json, write_json

SCHEMA = 1
LEVELS = ("high", "medium", "low")


class Picture(NamedTuple):
    """One image of a finding. note: what is seen in it, '' for nothing."""

    split: Split
    row: int
    name: str
    label: str
    note: str = ""


class Finding(NamedTuple):
    """kind: a key of EFFECTS. rows: (split, row) that the click leaves out. shown: one or two images each, the clearest first.

    action: 'exclude', 'keep_one', 'import_again' or None. hint: what the action does or what to choose, one sentence or ''.
    proposes: of 'import_again', the settings of an import (size, fit, mode) that mend it.
    """

    kind: str
    level: str
    title: str
    total: int
    action: str | None = None
    rows: Sequence[tuple[str, int]] = ()
    shown: Sequence[Sequence[Picture]] = ()
    hint: str = ""
    keeps: Sequence[tuple[str, int]] = ()  # of 'keep_one', beside each of rows: the image that stays
    proposes: Mapping[str, Any] = {}  # never changed

    @property
    def effect(self) -> str:
        return EFFECTS[self.kind]


class Health(NamedTuple):
    """looked_at: images compared with each other, of so many."""

    looked_at: int
    of: int
    findings: list[Finding]


# What each finding does to a GAN.
EFFECTS = {
    "leaks": "The same image is in two splits: scores on the held-out images come out too good, most of all for a network that "
    "copies.",
    "conflicts": "One image under two labels: the GAN blends these classes, and a classifier gets one of the two wrong "
    "in any case.",
    "suspects": "An image under the wrong label teaches the GAN to draw the wrong thing when this class is asked for.",
    "near_duplicates": "The GAN sees a repeated image several times as often: it draws this image too often and memorizes it "
    "first.",
    "outliers": "A GAN cannot learn from a single example: it ignores such an image or copies it, and D memorizes it.",
    "blank": "D learns that an empty image is a real one, so the GAN is free to draw empty images.",
    "few": "From so few images a GAN only learns to copy them. An export can fill such a class without a GAN.",
    "small": "A GAN may memorize so few images: choose a recipe for few images, or train with ADA.",
    "imbalance": "The GAN sees the large classes more often and draws the small ones worse and with less variety. Export can "
    "even out the numbers.",
    "extreme_aspect": "A very long image becomes square by being cropped, squeezed or padded: the GAN learns the cut or distorted "
    "object as real.",
    "enlarged": "An enlarged image is blurred, and the GAN learns the blur as if it were part of the class.",
    "grey": "The GAN also draws some images without colour. Where one class has more grey images than the others, the GAN takes "
    "grey for a feature of that class.",
    "colour_lost": "The GAN sees no colours, so it cannot learn them.",
    "rejected": "These files are not in the dataset. If most of them are of one class, that class is smaller than expected.",
    "duplicates": "One image of each group stayed, so no image counts twice.",
}

# The excluded images in few words; "chosen" are images that a person selected.
NAMES = {
    "leaks": "near duplicates of held-out images",
    "conflicts": "in two classes",
    "suspects": "similar to another class",
    "near_duplicates": "near duplicates",
    "outliers": "far from their class",
    "blank": "blank",
    "extreme_aspect": "very long",
    "enlarged": "enlarged",
    "grey": "grey",
    "chosen": "chosen by hand",
}


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The gravest first; within a level in the order of EFFECTS."""
    kinds = list(EFFECTS)
    return sorted(findings, key=lambda one: (LEVELS.index(one.level), kinds.index(one.kind)))


def write(folder: Path, health: Health, seed: int, extractor: str) -> None:
    write_json(
        place(folder) / "health.json",
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
                    "proposes": dict(one.proposes),
                    "shown": [[picture._asdict() for picture in group] for group in one.shown],
                }
                for one in health.findings
            ],
        },
    )


def read(folder: Path) -> Health | None:
    """What the last check found; None where there was none, or where its file is torn or of another version."""
    try:
        value: dict[str, Any] = read_json(place(folder) / "health.json") or {}
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
        dict(value.get("proposes", {})),
    )
