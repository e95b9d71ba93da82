"""How many images each class needs: real, missing and planned. Imports little, since pages import it."""

import math
from itertools import accumulate, pairwise
from statistics import median
from typing import Any, NamedTuple

from gan_core.errors import UserError
from gan_core.text import and_more, no_such

FORMATS = {"png": "png", "jpeg": "jpg", "webp": "webp"}  # of the images in a zip, and how their file names end
SHARDS_ABOVE = 100_000  # images in a zip: auto then writes tar files
SHOWN_NAMES = 10
LEAST_FOR_GAN = 10  # real images of a class: with fewer a GAN can hardly do more than copy them
NOTHING = "none"  # the balance without synthetic images
MAX_PLANNED_IMAGES = 1_000_000  # in all classes together: more is surely a typing error

Shares = dict[str, dict[str, int]]  # class name -> images to make by method
Balance = str | int | dict[str, int]  # 'largest', 'median', 'none', one total for every class, or totals by class


class Row(NamedTuple):
    """One class: images that are there, images to make, and their sum."""

    real: int
    missing: int
    planned: int

    @property
    def synthetic_share(self) -> float:
        return self.missing / self.planned if self.planned else 0.0


def parse_balance(text: str, classes: list[str]) -> Balance:
    """The balance as the command line writes it: 'largest', 'median', 'none', '500', or 'kiwi=300,owl=200'. Raises UserError.

    A class name may itself hold commas and equals signs: the longest class name that fits is taken.
    """
    text = text.strip()
    if text in ("largest", "median", NOTHING):
        return text
    if "=" not in text:
        return whole_number(text)
    totals: dict[str, int] = {}
    rest = text
    while rest:
        name = max((c for c in classes if rest.startswith(f"{c}=")), key=len, default=None)
        if name is None:
            raise unknown_class(rest.partition("=")[0], classes)
        if name in totals:
            raise UserError("bad_balance", f"Class {name!r} has two totals.", "Name every class once.")
        number, _, rest = rest[len(name) + 1 :].partition(",")
        totals[name], rest = whole_number(number), rest.lstrip()
    return totals


def deficits(counts: dict[str, int], balance: Balance, originals: bool = True) -> dict[str, Row]:
    """counts {class: real images} -> one Row per class, in the same order. Totals count the real images too.

    A class that already has its total or more keeps all it has and gets none; so does a class that no total names.
    Without originals the real images stay out, and the whole total of every class is to be made.
    Raises UserError where a class is unknown, a total is not a whole number of at least 0, the sum is above a million,
    or nothing would be added, unless 'none' asks for just that.
    """
    totals = totals_by_class(counts, balance)
    if not originals:
        counts = dict.fromkeys(counts, 0)
    plan = {name: Row(real, max(0, totals[name] - real), max(real, totals[name])) for name, real in counts.items()}
    planned = sum(row.planned for row in plan.values())
    if planned > MAX_PLANNED_IMAGES:
        raise UserError(
            "too_many_images",
            f"That makes {planned:,} images in all.",
            f"Choose smaller totals: at most {MAX_PLANNED_IMAGES:,} in all.",
        )
    if not any(row.missing for row in plan.values()) and not (balance == NOTHING and originals):
        have = max(counts.values(), default=0)
        raise UserError(
            "nothing_to_add",
            "Every class already has as many images as asked for.",
            f"Choose a total above {have:,}, the size of the largest class, to add images to all classes.",
        )
    return plan


def shares(plan: dict[str, Row], counts: dict[str, int], methods: dict[str, float]) -> tuple[Shares, list[str]]:
    """(class -> images to make by method, classes too small for a GAN that get changed copies instead).

    counts: real training images by class, also where they stay out of the zip. What a weight cannot share evenly goes to the
    first methods.
    """
    found: Shares = {}
    small = []
    for name, row in plan.items():
        weights = methods
        if "gan" in methods and row.missing and 0 < counts[name] < LEAST_FOR_GAN:
            weights = {method: weight for method, weight in methods.items() if method != "gan"} or {"classical": 1.0}
            small.append(name)
        edges = list(accumulate(weights.values(), initial=0.0))
        ends = [math.ceil(row.missing * edge / edges[-1] - 1e-9) for edge in edges]
        found[name] = {method: b - a for method, (a, b) in zip(weights, pairwise(ends), strict=True) if b > a}
    return found, small


def layout_of(layout: str, images: int) -> str:
    """imagefolder or webdataset, for so many images in the zip."""
    return ("webdataset" if images > SHARDS_ABOVE else "imagefolder") if layout == "auto" else layout


def added_share(plan: dict[str, Row], counts: dict[str, int]) -> float:
    """The s of `utility`: classes are filled to (1 + s) times the largest real class. Below 0 where none reaches that."""
    return max((row.planned for row in plan.values()), default=0) / max(1, *counts.values()) - 1


def beyond_support(sweep: list[dict[str, Any]], share: float, originals: bool = True) -> str:
    """A sentence where a plan goes beyond what a comparison supports, else ''. sweep: rows of `utility`; share: added_share."""
    if not originals:
        return "The comparison of classifiers included the real images: it says nothing about synthetic images alone."
    helped = [row["share"] for row in sweep if row["gain_ci95"][0] > 0]
    harmed = [row["share"] for row in sweep if row["gain_ci95"][1] < 0]
    if harmed and share >= min(harmed) and share > max(helped, default=-1.0):
        return f"From a share of {min(harmed):g} synthetic images on, a classifier got measurably worse; this plan has {share:.2g}."
    if not helped:
        return (
            "At no share of synthetic images did a classifier get measurably better than with classical augmentation."
        )
    if share > max(helped):
        return (
            f"A classifier got measurably better with up to {max(helped):g} synthetic images for each real one of the largest "
            f"class; this plan has {share:.2g}."
        )
    return ""


def too_small(names: list[str]) -> str:
    return f"With fewer than {LEAST_FOR_GAN} real images a GAN would copy them. Filled without it: {and_more(names, SHOWN_NAMES)}."


def without_object(names: list[str]) -> str:
    return f"No objects could be cut out, so there are changed copies instead: {and_more(names, SHOWN_NAMES)}."


def synthetic_share(plan: dict[str, Row]) -> float:
    """The share of synthetic images in the whole plan, 0 to 1."""
    planned = sum(row.planned for row in plan.values())
    return sum(row.missing for row in plan.values()) / planned if planned else 0.0


def totals_by_class(counts: dict[str, int], balance: Balance) -> dict[str, int]:
    if balance == NOTHING:
        return dict.fromkeys(counts, 0)
    if balance == "largest":
        return dict.fromkeys(counts, max(counts.values(), default=0))
    if balance == "median":
        return dict.fromkeys(counts, math.ceil(median(counts.values() or [0])))
    if isinstance(balance, dict):
        for name in balance:
            if name not in counts:
                raise unknown_class(name, list(counts))
        return {name: checked_total(balance[name]) if name in balance else real for name, real in counts.items()}
    return dict.fromkeys(counts, checked_total(balance))


def checked_total(total: object) -> int:
    if type(total) is not int or total < 0:
        raise UserError("bad_balance", f"{total!r} is not a number of images.", "Give whole numbers such as 500.")
    return total


def whole_number(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise UserError(
            "bad_balance",
            f"{text!r} is not a number of images.",
            "Write 'largest', 'median', 'none', one number such as 500, or class=number pairs with commas between.",
        )
    return int(text)


def unknown_class(name: str, classes: list[str]) -> UserError:
    shown = ", ".join(classes[:10]) + (", …" if len(classes) > 10 else "")
    return UserError("unknown_class", no_such("class", name, classes), f"The classes are {shown}.")
