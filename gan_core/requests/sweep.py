"""The request for a sweep: a table of runs on one dataset."""

from typing import Any

from gan_core.requests.base import Request, field


class SweepRequest(Request):
    """Every recipe with every combination of the values, and each of these with `seeds` seeds from 0 on."""

    recipes: tuple[str, ...] = field(("quick",), "Recipes", "The recipes to compare.", min_length=1)
    values: dict[str, tuple[Any, ...]] = field({}, "Settings", "Each setting with the values that it takes.")
    seeds: int = field(
        1, "Seeds", "Runs of each combination, which differ by chance alone; three or more show a spread.", ge=1, le=100
    )
    evaluate: bool = field(False, "Evaluate each run", "Evaluate each run when it has finished.")
    name: str = field(
        "", "Name of the sweep", "The Runs page shows the runs as one group under this name.", max_length=60
    )
