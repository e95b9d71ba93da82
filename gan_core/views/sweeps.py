"""The sweeps: their runs in groups of equal settings, which differ in the seed alone, with mean and spread of each figure."""

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from gan_core.evaluation.names_and_thresholds import DISTANCES
from gan_core.settings.schema import TrainConfig
from gan_core.storage import run_folder
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace
from gan_core.text import UNKNOWN, count, number
from gan_core.views.run_table import Row

FIGURES = {  # key: name; the lower is the better, or the higher, see the column of the same name in the table of runs
    "distance": "Distance",
    "kid": "KID",
    "precision": "Precision",
    "recall": "Recall",
    "coverage": "Coverage",
    "agreement": "Agreement",
    "utility": "Utility",
    "loss_g": "Loss of G",
    "loss_d": "Loss of D",
}
SCORES = ("distance", "kid", "precision", "recall", "coverage")  # compare only where they were measured in the same way
LOSS_ROWS = 50  # the newest rows of the log whose mean is the loss of a run


class Figure(NamedTuple):
    """mean and sample standard deviation over so many runs; no spread of a single one."""

    mean: float
    spread: float | None
    runs: int

    def __str__(self) -> str:
        return number(self.mean, 3) + (f" ± {number(self.spread, 2)}" if self.spread is not None else "")


class Group(NamedTuple):
    """The runs of a sweep with equal settings. settings: {title: value} of what differs within the sweep, without the seed."""

    settings: dict[str, Any]
    rows: list[Row]
    figures: dict[str, Figure]

    @property
    def title(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.settings.items()) or "all runs"


class Sweep(NamedTuple):
    """measured: how most of its evaluations were made, "" before the first; others: how many were made in another way."""

    name: str
    groups: list[Group]
    states: dict[str, int]
    measured: str
    others: int

    @property
    def rows(self) -> list[Row]:
        return [row for group in self.groups for row in group.rows]


def sweeps(store: Store, workspace: Workspace, rows: Sequence[Row]) -> list[Sweep]:
    """The sweeps of these runs, newest first."""
    named: dict[str, list[Row]] = {}
    for row in rows:
        if row.run.sweep:
            named.setdefault(row.run.sweep, []).insert(0, row)  # in the order in which they were queued
    utility = store.latest_jobs("utility", ("finished",)) if named else {}
    return [sweep(store, workspace, name, members, utility) for name, members in named.items()]


def sweep(store: Store, workspace: Workspace, name: str, rows: list[Row], utility: dict[str, str]) -> Sweep:
    ways = Counter(way for row in rows if (way := way_of(row)))
    usual = ways.most_common(1)[0][0] if ways else ""
    figures = {row.run.id: figures_of(store, workspace, row, usual, utility.get(row.run.id)) for row in rows}
    groups: dict[str, tuple[dict[str, Any], list[Row]]] = {}
    names = [key for key in differing(rows) if key != "seed"]
    for row in rows:
        settings = {str(TrainConfig.model_fields[key].title): row.run.config.get(key) for key in names}
        groups.setdefault(repr(settings), (settings, []))[1].append(row)
    found = [
        Group(settings, members, summary([figures[row.run.id] for row in members]))
        for settings, members in groups.values()
    ]
    states = Counter(row.job.state if row.job else "none" for row in rows)
    return Sweep(name, found, dict(states), usual, sum(ways.values()) - ways.get(usual, 0))


def differing(rows: Sequence[Row]) -> list[str]:
    """The settings in which the runs differ. What a recipe brings with it is told by the recipe."""
    fields = TrainConfig.model_fields
    value = lambda row, key: row.run.config.get(key, fields[key].default)
    by_recipe: dict[str, list[Row]] = {}
    for row in rows:
        by_recipe.setdefault(value(row, "recipe"), []).append(row)
    inside = {key for some in by_recipe.values() for key in fields if len({repr(value(row, key)) for row in some}) > 1}
    return [key for key in fields if key in inside or (key == "recipe" and len(by_recipe) > 1)]


def way_of(row: Row) -> str:
    """How the scores of a run were measured: 'Inception-v3, 1,000 images'."""
    title, images = row.scores.get("extractor_title"), row.scores.get("n_fake")
    return f"{title}, {images:,} images" if title and images else ""


def figures_of(
    store: Store, workspace: Workspace, row: Row, usual: str, utility: str | None
) -> dict[str, float | None]:
    """The figures of one run; scores only where they were measured in the usual way."""
    scores = row.scores if way_of(row) == usual else {}
    found: dict[str, float | None] = {key: scores.get(key) for key in (*SCORES, "agreement")}
    found["distance"] = next((scores[key] for key in DISTANCES if scores.get(key) is not None), None)
    found["utility"] = (store.job(utility).result or {}).get("gain") if utility else None
    tail = run_folder.log_tail(workspace.run(row.run.id) / "metrics.jsonl", LOSS_ROWS + 1)
    log = run_folder.parse_lines((tail + "\n").encode())[-LOSS_ROWS:]
    for key in ("loss_g", "loss_d"):
        values = [float(line[key]) for line in log if line.get(key) is not None]
        found[key] = statistics.fmean(values) if values else None
    return found


def summary(figures: Sequence[dict[str, float | None]]) -> dict[str, Figure]:
    """The figures that some run has."""
    found = {}
    for key in FIGURES:
        values = [value for one in figures if (value := one[key]) is not None]
        if values:
            spread = statistics.stdev(values) if len(values) > 1 else None
            found[key] = Figure(statistics.fmean(values), spread, len(values))
    return found


def as_json(sweep: Sweep) -> dict[str, Any]:
    return {
        "name": sweep.name,
        "runs": len(sweep.rows),
        "states": sweep.states,
        "measured": sweep.measured,
        "groups": [
            {
                "settings": group.settings,
                "runs": [row.run.id for row in group.rows],
                "figures": {key: figure._asdict() for key, figure in group.figures.items()},
            }
            for group in sweep.groups
        ],
    }


def lines(sweep: Sweep) -> list[str]:
    """A sweep as text for the command line."""
    states = ", ".join(f"{number} {state}" for state, number in sweep.states.items())
    found = [f"{sweep.name}: {count(len(sweep.rows), 'run')} ({states})"]
    for group in sweep.groups:
        figures = "; ".join(f"{FIGURES[key]} {figure}" for key, figure in group.figures.items()) or UNKNOWN
        found.append(f"  {group.title} ({count(len(group.rows), 'run')}): {figures}")
    return found
