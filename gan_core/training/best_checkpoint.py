"""Keep the best checkpoint of a run beside the newest ones, and count the checks that brought no gain.

A checkpoint is judged by the kernel distance of a check of the collapse monitor (KID's estimator, arXiv:1801.01401, on the
monitor's features). Coverage (arXiv:2002.09797) is a floor: a check below it wins only while none has reached it, and among such
checks the highest coverage counts, so that a collapsed generator never wins by its distance. A check is a sample of a few hundred
images; so of those within one standard error of the least distance the latest is the best (the one-standard-error rule of
Breiman et al. 1984). All of it is kept in checkpoints/best.json, so that a resumed run goes on where its checkpoint is.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gan_core.storage import checkpoints
from gan_core.storage.workspace import read_json, write_json

MOST_CHECKS = 50  # of a run that are compared: a long run has many more, and a checkpoint may have gigabytes


class Check(NamedTuple):
    """error: standard error of the distance. coverage: of generated over that of held-out images, None where not known.

    covers: whether the coverage reaches the floor. progress: the share of the run that was done, in [0, 1].
    """

    images_seen: int
    kernel_distance: float
    error: float
    coverage: float | None
    covers: bool
    progress: float

    @property
    def rank(self) -> tuple[bool, float]:
        """The lower, the better."""
        if self.covers or self.coverage is None:
            return False, self.kernel_distance
        return True, -self.coverage


def check_of(row: dict[str, Any], progress: float) -> Check | None:
    """row: of collapse.jsonl. None where it has no finite kernel distance."""
    values = row.get("values") or {}
    distance = values.get("kernel_distance")
    if distance is None or not math.isfinite(distance):
        return None
    error, coverage = float(row.get("kernel_distance_error") or 0.0), values.get("coverage_ratio")
    covers = coverage is None or coverage >= row.get("coverage_floor", 0.0)
    return Check(row["images_seen"], float(distance), error, coverage, covers, progress)


def best_of(checks: Sequence[Check]) -> Check | None:
    """The latest check within one standard error of the least distance; checks: in the order of the run."""
    if not checks:
        return None
    least = min(checks, key=lambda one: one.rank)
    below, rank = least.rank
    reach = 0.0 if below else least.error
    return next(one for one in reversed(checks) if one.rank[0] == below and one.rank[1] <= rank + reach)


def without_gain(checks: Sequence[Check]) -> int:
    """How many checks came after the one with the least distance."""
    least = min(range(len(checks)), key=lambda at: checks[at].rank, default=-1)
    return len(checks) - 1 - least


def stored_checks(folder: Path) -> list[Check]:
    """The checks in best.json; [] where there is none, or it is damaged: then the run's next check begins anew."""
    try:
        return [Check(**row) for row in (read_json(folder / checkpoints.BEST) or {}).get("checks", [])]
    except (ValueError, TypeError, AttributeError, OSError):
        return []


class BestCheckpoint:
    """The mark of a run's best checkpoint, and the checks that it was chosen from."""

    def __init__(self, folder: Path, images_seen: int) -> None:
        """folder: `checkpoints` of the run. images_seen: of the checkpoint that is resumed; later checks are forgotten."""
        self.folder, stored = folder, stored_checks(folder)
        self.checks = [one for one in stored if one.images_seen <= images_seen]
        if len(self.checks) < len(stored):
            self.write()

    def add(self, row: dict[str, Any], progress: float, save: Callable[[], object]) -> None:
        """Compare a check with those before it, and save a checkpoint of this state where it is the best.

        row: of collapse.jsonl. A check that follows the last compared one by less than 1 / MOST_CHECKS of the run is left out.
        """
        check = check_of(row, progress)
        if check is None or (self.checks and progress - self.checks[-1].progress < 1 / MOST_CHECKS):
            return
        if best_of([*self.checks, check]) is check:
            save()
            if not checkpoints.manifest(self.folder, check.images_seen).exists():
                return  # it could not be written, which the log says
        self.checks.append(check)
        self.write()

    def write(self) -> None:
        """The earlier best checkpoint stays until the new mark is written, and goes with the next checkpoint."""
        best = best_of(self.checks)
        marked = None if best is None else checkpoints.Best(best.images_seen, best.kernel_distance, best.coverage)
        self.folder.mkdir(exist_ok=True)
        rows = [one._asdict() for one in self.checks]
        write_json(self.folder / checkpoints.BEST, {"best": marked and marked._asdict(), "checks": rows})

    def no_gain(self, patience: int) -> str:
        """Why a run with this patience ends now, in a sentence; '' where it goes on. 0: it never ends so."""
        since = without_gain(self.checks)
        if not 0 < patience <= since:
            return ""
        least = min(self.checks, key=lambda one: one.rank)
        return (
            f"No gain in {since} checks: the least kernel distance was {least.kernel_distance:.3g}, "
            f"at {least.images_seen:,} images."
        )
