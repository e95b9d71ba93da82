"""What the search `improve` found, as `found.json` in the folder of a run or a dataset; without torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from gan_core.evaluation.result_parts import Interval, Part
from gan_core.evaluation.utility.protocol import NO_IMAGES, VERSION, Arm, ClassifierName
from gan_core.storage.workspace import read_json, write_json
from gan_core.text import and_more

FILE = "found.json"
LEAST_IMAGES = 8  # training and validation images of a class, so that some can be set aside

# Why nothing could be searched; the choice is then the plain baseline.
Reason = Literal["", "one_class", "no_validation", "no_test_images", "too_little_time"]


class Obstacle(NamedTuple):
    """Why nothing can be compared on a dataset, in a sentence with a next step."""

    reason: Reason
    sentence: str


def obstacle(
    classes: Sequence[str], train: Sequence[int], validation: Sequence[int], test: Sequence[int]
) -> Obstacle | None:
    """The first obstacle on a dataset with so many images of each class and split; None where there is none.

    A class without any image does not count.
    """
    there = [label for label, counts in enumerate(zip(train, validation, test, strict=True)) if any(counts)]
    names = lambda labels: and_more([repr(classes[label]) for label in labels], 5)
    if len(there) < 2:
        return Obstacle(
            "one_class", "There is one class only, so there is nothing to classify. Import a dataset with more classes."
        )
    few = [label for label in there if train[label] + validation[label] < LEAST_IMAGES or not validation[label]]
    if few:
        return Obstacle(
            "no_validation",
            f"Too few images to set some aside for validation ({LEAST_IMAGES} of a class are needed): {names(few)}. Add images, or "
            "leave these classes out.",
        )
    untested = [label for label in there if not test[label]]
    if untested:
        return Obstacle(
            "no_test_images",
            f"Without test images, so that no gain could be confirmed: {names(untested)}. Import the dataset again with a test "
            "share.",
        )
    return None


class FoundRow(Part):
    """An arm of the race. way, use and share: of its synthetic images. validation: its mean balanced accuracy in the last rung
    that it ran in; by_rung: in each. dropped_at: that rung, counted from 1, 0 where it ran in none, None for a finalist. why:
    behind, time.
    """

    name: str
    way: str = NO_IMAGES
    use: str = ""
    share: float | None = None
    baseline: str = ""
    validation: float | None = None
    by_rung: dict[str, float] = Field(default_factory=dict)
    dropped_at: int | None = None
    why: str | None = None


class Found(Part):
    """baseline, chosen: balanced accuracy of the plain baseline and of the choice on the test images; gain: of the second over the
    first, with gain_ci95, the hull of the intervals over classifier seeds and over test images; baseline_ci95, chosen_ci95: where
    another training would come out, by another seed or on other test images. best_real: the best baseline without
    synthetic images. control: the choice with real images again in the place of the synthetic ones; own: the choice was ahead of it
    by more than chance on the validation images. own_gain: of the choice over best_real or control, whichever was better there.
    lead, lead_error, lead_needed: of the best arm over the plain baseline on the validation images. None where nothing could be
    measured, which reason and sentence explain.
    """

    choice: dict[str, Any] = Field(default_factory=lambda: Arm().model_dump(mode="json"))
    classifier: ClassifierName = "small"
    updates: int | None = None
    batch: int | None = None
    seeds: list[int] = Field(default_factory=list)
    baseline: float | None = None
    baseline_ci95: Interval | None = None
    chosen: float | None = None
    chosen_ci95: Interval | None = None
    gain: float | None = None
    gain_ci95: Interval | None = None
    teacher: float | None = None  # balanced accuracy of the teacher alone on the test images
    teacher_ci95: Interval | None = None
    best_real: dict[str, Any] | None = None
    control: dict[str, Any] | None = None
    own: bool | None = None
    own_gain: float | None = None
    own_gain_ci95: Interval | None = None
    lead: float | None = None
    lead_error: float | None = None
    lead_needed: float | None = None
    race: list[FoundRow] = Field(default_factory=list)
    rungs: list[dict[str, Any]] = Field(default_factory=list)
    made: dict[str, dict[str, int]] = Field(default_factory=dict)  # of the choice: images by way and class
    protocol: int = VERSION
    run: str | None = None
    dataset: str = ""
    checkpoint: str | None = None
    images_seen: int | None = None
    seed: int = 0
    minutes: float | None = None
    seconds: float | None = None
    reason: Reason = ""
    sentence: str = ""
    notes: list[str] = Field(default_factory=list)

    @property
    def arm(self) -> Arm:
        return Arm.model_validate(self.choice)

    @property
    def harms(self) -> bool:
        """Whether the choice was measurably worse than the plain baseline on the test images."""
        return self.gain_ci95 is not None and self.gain_ci95[1] < 0

    @property
    def usable(self) -> Arm:
        """The arm that an export follows."""
        return Arm() if self.harms else self.arm


def read(folder: Path) -> Found | None:
    """What was found in the folder of a run or a dataset; None where nothing was looked for, or by another protocol."""
    stored = read_json(folder / FILE)
    if not isinstance(stored, dict) or stored.get("protocol") != VERSION:
        return None
    try:
        found = Found.read(stored)
        found.arm  # noqa: B018  raises where it is none
    except ValueError:
        return None
    return found


def of(run: Path | None, dataset: Path) -> Found | None:
    """What was found for a run, else for its dataset, unless with the images of another run. run, dataset: their folders."""
    found = read(run) if run else None
    if found is None and (of_dataset := read(dataset)):
        found = of_dataset if run is None or of_dataset.run in (None, run.name) or of_dataset.arm.use is None else None
    return found


def write(folder: Path, found: Found) -> None:
    write_json(folder / FILE, found.to_json())
