"""The sample grids of one or two runs over their training: the one nearest to a step, and whether two correspond place by place."""

from typing import Any

from gan_core.storage.run_folder import Row
from gan_core.text import all_of


def nearest_grid(grids: list[Row], images_seen: object) -> int:
    """The index of the grid nearest to that many images seen; of the newest where images_seen is no number."""
    try:
        wanted = int(str(images_seen))
    except ValueError:
        return len(grids) - 1
    return min(range(len(grids)), key=lambda at: abs(grids[at]["images_seen"] - wanted))


def compare_places(a: dict[str, Any], b: dict[str, Any]) -> tuple[bool, str]:
    """(whether the same place in both grids starts from the same noise and class, a sentence that says so or why not).

    a, b: run (its id), seed, z_dim, family, classes (rows of the grid), size in px.
    """
    if a["run"] == b["run"]:
        return True, "Both grids are drawn from the same noise: a place shows one image as it changes."
    reasons = []
    if a["classes"] != b["classes"]:
        reasons.append("their classes differ")
    if a["size"] != b["size"]:
        reasons.append(f"one draws {a['size']} px and the other {b['size']} px")
    if a["seed"] != b["seed"]:
        reasons.append(f"their noise comes from other seeds ({a['seed']} and {b['seed']})")
    if a["z_dim"] != b["z_dim"]:
        reasons.append(f"their noise has {a['z_dim']} and {b['z_dim']} numbers")
    if reasons:
        return False, f"The places of these grids do not correspond, for {all_of(reasons)}. Compare them as a whole."
    return True, (
        f"Both runs draw from the same noise (seed {a['seed']}), so a place starts from the same numbers in both. "
        "Networks that were trained apart may still make another image of it."
    )
