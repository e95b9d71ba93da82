"""The GPU tables of README.md and docs/recipes.md, which are filled by gpu_acceptance.py alone.

A table lies between the lines `<!-- gpu-check -->` and `<!-- /gpu-check -->`. A cell stays empty until the figure was measured.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

START, END = "<!-- gpu-check -->", "<!-- /gpu-check -->"


class Row(NamedTuple):
    """goal: the first cell. check: whose finding holds the figure. figure: facts -> the second cell."""

    goal: str
    check: str
    figure: Callable[[dict[str, Any]], str]


ROWS = (
    Row(
        "Whole step against the textbook loop, `quick` at 64 px: 6 times, 3 at the least, at equal kernel distance",
        "textbook_loop",
        lambda f: (
            f"{f['ratio']} times; kernel distance {f['kernel_distance']['ours']}, textbook {f['kernel_distance']['textbook']}"
        ),
    ),
    Row(
        "GPU busy for 80 % of the time",
        "gpu_is_busy",
        lambda f: ", ".join(f"{name}: {row['busy']:.0%}" for name, row in of_cases(f)),
    ),
    Row(
        "Images a second",
        "gpu_is_busy",
        lambda f: ", ".join(f"{name}: {row['images_per_second']:,}" for name, row in of_cases(f)),
    ),
    Row(
        "Kernel distance after 15 seconds at 64 px",
        "quality_in_minutes",
        lambda f: ", ".join(f"{name}: {row['kernel_distance']}" for name, row in of_cases(f)),
    ),
)


def of_cases(facts: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, row) for name, row in facts.items() if isinstance(row, dict)]


def table(results: list[dict[str, Any]], machine: str) -> str:
    """The lines of the table. results: rows of gpu_acceptance.py; checks that did not run leave their cell empty."""
    found = {
        row["check"]: row["found"]
        for row in results
        if row["verdict"] in ("pass", "fail") and "error" not in row["found"]
    }
    lines = [f"| goal | {machine or 'on a GPU'} |", "|---|---|"]
    for row in ROWS:
        lines.append(f"| {row.goal} | {row.figure(found[row.check]) if row.check in found else ''} |")
    if results:
        held = sum(row["verdict"] == "pass" for row in results)
        lines.append(f"| Checks of `benchmarks/gpu_acceptance.py` that hold | {held} of {len(results)} |")
    else:
        lines.append("| Checks of `benchmarks/gpu_acceptance.py` that hold | |")
    return "\n".join(lines)


def fill(path: Path, results: list[dict[str, Any]], device: str, torch_version: str) -> None:
    """Put the figures into the file's table. Raises ValueError where it has none."""
    text = path.read_text()
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{path} has no lines {START} and {END}")
    machine = f"{device.removeprefix('cuda: ')}, torch {torch_version}"
    path.write_text(f"{before}{START}\n{table(results, machine)}\n{END}{after}")
