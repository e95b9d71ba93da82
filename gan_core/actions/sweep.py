"""Queue a sweep, which is a table of runs under one name, and stop, resume or delete its runs together."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from gan_core.actions.context import Context
from gan_core.actions.runs import check, control_run, likely_device, new_run, resume
from gan_core.actions.trash import delete
from gan_core.data import dataset as dataset_folder
from gan_core.errors import FieldErrors, UserError
from gan_core.jobs import queue
from gan_core.requests import EvaluateRequest, SweepRequest
from gan_core.settings import recipes, schema
from gan_core.storage.file_checks import check_room
from gan_core.storage.store import Job, Run
from gan_core.text import no_such

MOST_RUNS = 200
SHOWN_REFUSALS = 3


class Planned(NamedTuple):
    """A run of a sweep before it is made. apart: what tells it from the others, as {"batch": 32, "seed": 1}."""

    settings: schema.TrainConfig
    apart: dict[str, Any]

    def name(self, sweep: str) -> str:
        return ": ".join(filter(None, (sweep, ", ".join(map(in_words, self.apart.items())))))


class Queued(NamedTuple):
    name: str
    jobs: list[Job]  # the trainings


class Outcome(NamedTuple):
    """What became of an action on the runs of a sweep. refused: {id of a run: why}."""

    done: list[str]
    refused: dict[str, str]


def in_words(setting: tuple[str, Any]) -> str:
    """("recipe", "quick") -> "quick", ("batch", 32) -> "batch 32"."""
    name, value = setting
    return str(value) if name == "recipe" else f"{name} {value}"


def sweep(
    context: Context,
    dataset_id: str,
    request: SweepRequest,
    fixed: dict[str, Any] | None = None,
    *,
    token: str | None = None,
) -> Queued:
    """Queue all runs of a sweep. fixed: settings that every run has beside its recipe; token: of a click, see queue.submit.

    Raises UserError too_many_runs, bad_name, bad_seeds, unknown_recipe and FieldErrors before anything is queued.
    """
    dataset = context.store.dataset(dataset_id)
    if token is not None and (first := queued_by(context, f"{token}-0")):
        return first
    name = name_of(context, request.name, dataset.name)
    runs = plan(context, dataset_id, request, fixed or {})
    check_room(context.workspace.dataset(dataset_id))
    context.check_cluster()
    jobs = []
    with context.together() as waiting:
        for number, planned in enumerate(runs):
            own = token and f"{token}-{number}"
            job = new_run(waiting, dataset_id, planned.settings, planned.name(name), token=own, sweep=name)
            if request.evaluate:
                payload = EvaluateRequest().payload()
                waiting.submit("evaluate", job.subject, payload, token=own and f"{own}-evaluate", after=job.id)
            jobs.append(job)
    return Queued(name, jobs)


def queued_by(context: Context, token: str) -> Queued | None:
    """The sweep that the first click of a double click has queued; token: of its first run."""
    for row in context.store.query("SELECT subject FROM jobs WHERE token = ?", token):
        name = context.store.run(row["subject"]).sweep or ""
        trainings = (context.store.latest_job("train", run.id) for run in runs_of(context, name))
        return Queued(name, [job for job in trainings if job])
    return None


def name_of(context: Context, wanted: str, dataset: str) -> str:
    """The wanted name, or "Birds, sweep 2" where none is. Raises UserError bad_name where a sweep has it."""
    taken, name = {run.sweep for run in context.store.runs()}, " ".join(wanted.split())
    if name in taken:
        raise UserError("bad_name", f"There is already a sweep {name!r}.", "Choose another name.")
    numbered = (f"{dataset[:40]}, sweep {number}" for number in itertools.count(1))
    return name or next(one for one in numbered if one not in taken)


def total(request: SweepRequest) -> int:
    """How many runs the request asks for."""
    runs = len(dict.fromkeys(request.recipes)) * request.seeds
    for values in request.values.values():
        runs *= len(values)
    return runs


def plan(context: Context, dataset_id: str, request: SweepRequest, fixed: dict[str, Any]) -> list[Planned]:
    """The runs of the request, in order: recipes, then settings as they are given, seeds last. Nothing is queued."""
    if "seed" in request.values and request.seeds > 1:
        raise UserError("bad_seeds", "The seeds are given twice.", "Give either a number of seeds or values of 'seed'.")
    if unknown := [name for name in request.recipes if name not in recipes.RECIPES]:
        raise UserError(
            "unknown_recipe",
            no_such("recipe", unknown[0], recipes.RECIPES),
            f"Choose from {', '.join(recipes.RECIPES)}.",
        )
    if (runs := total(request)) > MOST_RUNS:
        raise UserError(
            "too_many_runs",
            f"This sweep has {runs:,} runs, and {MOST_RUNS} are the most.",
            "Leave out some of the recipes, values or seeds.",
        )
    info = dataset_folder.read_info(context.workspace.dataset(dataset_id))
    found: list[Planned] = []
    refused: list[tuple[str, FieldErrors]] = []
    for chosen in combinations(request):
        try:
            planned = Planned(settings_of(context, info, fixed | chosen), apart(request, chosen))
            check(context, info, planned.settings)
            found.append(planned)
        except FieldErrors as errors:
            refused.append((", ".join(map(in_words, apart(request, chosen).items())), errors))
    if refused:
        raise FieldErrors(why_refused(refused))
    return found


def settings_of(context: Context, info: dataset_folder.DatasetInfo, chosen: dict[str, Any]) -> schema.TrainConfig:
    """The recipe of a combination, fitted to the dataset, with its settings."""
    budget = {name: chosen.get(name) for name in ("minutes", "epochs")}
    start = recipes.start(
        chosen["recipe"],
        size=info.size,
        train_images=sum(info.train_counts),
        gpu=chosen.get("device", "auto") != "cpu" and likely_device(context) == "cuda",
        **{name: value for name, value in budget.items() if isinstance(value, int | float)},  # build() refuses the rest
    )
    return schema.build({**start.model_dump(), **chosen})


def combinations(request: SweepRequest) -> Iterator[dict[str, Any]]:
    """Recipe, settings and seed of every run."""
    columns: dict[str, Any] = {"recipe": tuple(dict.fromkeys(request.recipes)), **request.values}
    if "seed" not in columns and request.seeds > 1:
        columns["seed"] = range(request.seeds)
    for values in itertools.product(*columns.values()):
        yield dict(zip(columns, values, strict=True))


def apart(request: SweepRequest, chosen: dict[str, Any]) -> dict[str, Any]:
    """What of a combination differs within the sweep."""
    several = {name for name, values in request.values.items() if len(values) > 1}
    several |= {"recipe"} if len(request.recipes) > 1 else set()
    several |= {"seed"} if request.seeds > 1 else set()
    return {name: value for name, value in chosen.items() if name in several}


def why_refused(refused: list[tuple[str, FieldErrors]]) -> dict[str, str]:
    """One sentence for each field that is refused in some run, with the first run where it is."""
    found: dict[str, str] = {}
    for where, errors in refused:
        for field, sentence in errors.fields.items():
            found.setdefault(field, f"With {where}: {sentence}" if where else sentence)
    return dict(list(found.items())[:SHOWN_REFUSALS])


# -- all runs of a sweep -------------------------------------------------------------------------------------------------------


def runs_of(context: Context, name: str) -> list[Run]:
    """The runs of a sweep, in the order in which they were made. Raises UserError no_sweep."""
    found = [run for run in context.store.runs() if run.sweep == name]
    if not found:
        raise UserError("no_sweep", f"There is no sweep {name!r}.", "Pick one from the list of sweeps.")
    return found[::-1]


def stop_sweep(context: Context, name: str) -> Outcome:
    """Stop every run that trains or waits, and keep what it has learnt."""

    def stop(run: Run) -> None:
        control_run(context, run.id, "stop")
        for waiting in context.store.jobs(kind="evaluate", subject=run.id, states=("queued",)):
            queue.cancel(context.store, waiting.id)

    return to_each(context, name, stop, lambda job: job is not None and job.live)


def resume_sweep(context: Context, name: str) -> Outcome:
    """Queue every run again that has not finished and neither trains nor waits."""
    ended = lambda job: job is None or (not job.live and job.state != "finished")
    with context.together() as waiting:
        return to_each(waiting, name, lambda run: resume(waiting, run.id), ended)


def delete_sweep(context: Context, name: str) -> Outcome:
    """Move every run into the trash."""
    return to_each(context, name, lambda run: delete(context, run.id), lambda job: True)


def to_each(
    context: Context, name: str, act: Callable[[Run], object], applies: Callable[[Job | None], bool]
) -> Outcome:
    """Do it to each run whose newest training it applies to; one refusal does not keep the others from it."""
    found = Outcome([], {})
    for run in runs_of(context, name):
        if applies(context.store.latest_job("train", run.id)):
            try:
                act(run)
                found.done.append(run.id)
            except UserError as refused:
                found.refused[run.id] = str(refused)
    return found
