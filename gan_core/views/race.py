"""The race of a search as lines: which arm was dropped when, in points over the plain baseline. For the picture and its table."""

from typing import Literal, NamedTuple

from gan_core.evaluation.utility.found import Found, FoundRow
from gan_core.evaluation.utility.words import way_in_words

State = Literal["chosen", "finalist", "behind", "time"]
WORDS: dict[State, str] = {
    "chosen": "chosen",
    "finalist": "in the last round",
    "behind": "dropped: behind",
    "time": "dropped: no time left",
}


class Line(NamedTuple):
    """An arm. points: of each round, counted from 1, the balanced accuracy on the validation images minus that of the plain
    baseline, in percentage points."""

    name: str
    label: str
    points: list[tuple[int, float]]
    state: State
    dropped_at: int | None


def lines(found: Found) -> list[Line]:
    """The arms that ran, the plain baseline first and then the last to be dropped."""
    if not found.race:
        return []
    plain, chosen = found.race[0], found.arm.name
    made = [line(row, plain, chosen) for row in found.race if row.by_rung]
    return made[:1] + sorted(made[1:], key=lambda one: (-one.points[-1][0], -one.points[-1][1]))


def line(row: FoundRow, plain: FoundRow, chosen: str) -> Line:
    shared = [rung for rung in row.by_rung if rung in plain.by_rung]
    points = [(int(rung), 100 * (row.by_rung[rung] - plain.by_rung[rung])) for rung in sorted(shared, key=int)]
    state: State = "chosen" if row.name == chosen else "finalist" if row.why is None else state_of(row.why)
    return Line(row.name, label(row, row is plain), points, state, row.dropped_at)


def state_of(why: str) -> State:
    return "behind" if why == "behind" else "time"


def label(row: FoundRow, plain: bool = False) -> str:
    """'Images of the GAN: 25% of each batch', or the baseline of an arm without synthetic images."""
    if plain:
        return "Plain baseline"
    said = f"{way_in_words(row.way)}: {row.use}" if row.use else row.baseline
    return said[:1].upper() + said[1:]


def table(found: Found) -> dict[str, list[object]]:
    """The columns of the race's table."""
    made = lines(found)
    return {
        "arm": [one.label for one in made],
        "points": [round(one.points[-1][1], 1) for one in made],
        "rounds": [one.points[-1][0] for one in made],
        "ended": [WORDS[one.state] for one in made],
    }


def never_ran(found: Found) -> int:
    """How many arms there was no time for at all."""
    return sum(not row.by_rung for row in found.race)
