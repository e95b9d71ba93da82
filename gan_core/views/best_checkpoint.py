"""The best checkpoint of a run in a sentence, for Live, Runs and Evaluate."""

from pathlib import Path

from gan_core.storage import checkpoints
from gan_core.text import number, percent


def about_best(run_folder: Path, *, is_live: bool = False) -> str:
    """'Best checkpoint: at 120,000 images, kernel distance 1.31, coverage 92 %.'; '' where none is marked."""
    best = checkpoints.best(run_folder / "checkpoints")
    if best is None:
        return ""
    covers = f", coverage {percent(best.coverage)} of that of held-out images" if best.coverage is not None else ""
    start = "Best so far" if is_live else "Best checkpoint"
    return f"{start}: at {best.images_seen:,} images, kernel distance {number(best.kernel_distance, 3)}{covers}."
