"""The grids of one or two runs in order of training: which one is meant, and whether two of them correspond place by place."""

from typing import Any

from gan_core.storage.run_folder import Row
from gan_core.text import all_of


def nearest_grid(grids: list[Row], images_seen: object) -> int:
    """The number of the grid at that many images seen, or nearest to it; the newest where images_seen is no number."""
    try:
        wanted = int(str(images_seen))
    except ValueError:
        return len(grids) - 1
    return min(range(len(grids)), key=lambda at: abs(grids[at]["images_seen"] - wanted))


def correspondence(a: dict[str, Any], b: dict[str, Any]) -> tuple[bool, str]:
    """Two runs -> whether a place in their grids starts from the same noise and class, and a sentence that says so or why not.

    Each: run (its id), seed, z_dim, family, classes (rows of the grid), size in px.
    """
    if a["run"] == b["run"]:
        return True, "Both grids are drawn from the same noise: a place shows one image as it changes."
    apart = []
    if a["classes"] != b["classes"]:
        apart.append("their classes differ")
    if a["size"] != b["size"]:
        apart.append(f"one draws {a['size']} px and the other {b['size']} px")
    if a["seed"] != b["seed"]:
        apart.append(f"their noise comes from other seeds ({a['seed']} and {b['seed']})")
    if a["z_dim"] != b["z_dim"]:
        apart.append(f"their noise has {a['z_dim']} and {b['z_dim']} numbers")
    if apart:
        return False, f"The places of these grids do not correspond, for {all_of(apart)}. Compare them as a whole."
    return True, (
        f"Both runs draw from the same noise (seed {a['seed']}), so a place starts from the same numbers in both. "
        "Networks that were trained apart may still make another image of it."
    )
