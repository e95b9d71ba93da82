"""The search of the job `improve`: its stages, the time of each, and what it writes so that it can go on after a kill."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.evaluation.inputs import Progress, RealImages
from gan_core.evaluation.utility import batches, candidates
from gan_core.evaluation.utility.arms import ArmOptions, Pool, choose_updates
from gan_core.evaluation.utility.candidates import Speed
from gan_core.evaluation.utility.found import Found
from gan_core.evaluation.utility.protocol import AGAIN, BATCH, UPDATES, Arm
from gan_core.evaluation.utility.race import Joins, Rung, State, race
from gan_core.evaluation.utility.validation_scores import ValidationScores
from gan_core.evaluation.utility.words import arm_in_words
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.arm_scorer import ArmScorer, Task, measured_speed
from gan_core.jobs.shared.deadline import Deadline
from gan_core.jobs.shared.evaluation_inputs import real_images, seen_validation_caveat
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.jobs.shared.search_result import found_of, nothing
from gan_core.jobs.shared.teacher_labels import alone, with_labels
from gan_core.jobs.shared.way_pools import Maker, Plan, make_pools, mixture
from gan_core.requests.improve import ImproveRequest
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, read_json, write_json
from gan_core.text import duration

STATE = "search.json"
TIME, NOTED_SECONDS = "seconds.json", 5.0  # the time that is used up, noted so often: a kill gives none of it back
UPDATES_SHARE, POOLS_SHARE, TEACHER_SHARE, VERDICT_SHARE = (
    0.12,
    0.2,
    0.08,
    0.05,
)  # of the seconds; the race has the rest
LEAST_MADE, MOST_MADE, MOST_MADE_IN_ALL = 40, 400, 2000  # synthetic images of a class, and of all of them


class Stopwatch:
    """Seconds of a search over all its attempts, without pauses."""

    def __init__(self, used: float, watch: queue.Watch):
        self.before, self.started, self.watch = used, time.monotonic(), watch
        self.paused = watch.paused_seconds

    @property
    def used(self) -> float:
        return self.before + time.monotonic() - self.started - (self.watch.paused_seconds - self.paused)


class Prepared(NamedTuple):
    """What a race is run with."""

    task: Task
    arms: list[Arm]
    rungs: list[Rung]


class Search:
    """One search; `run` does it. Whatever depends on the time is written to its folder once and read from there afterwards."""

    def __init__(
        self,
        store: Store,
        workspace: Workspace,
        request: ImproveRequest,
        folder: Path,
        reporter: Reporter,
        watch: queue.Watch,
    ):
        self.store, self.workspace, self.request, self.folder = store, workspace, request, folder
        self.reporter, self.watch = reporter, watch
        self.dataset = workspace.dataset(request.dataset)
        self.kept: dict[str, Any] = read_json(folder / STATE) or {}
        self.stopwatch = Stopwatch(float((read_json(folder / TIME) or self.kept).get("seconds", 0.0)), watch)
        self.noted = self.stopwatch.used
        self.total = self.once("total", lambda: 60 * (request.minutes - request.training_minutes))
        self.notes = list(request.notes)
        self.checkpoint: dict[str, Any] = {"checkpoint": None, "images_seen": None}
        self.doing = ""

    # -- time, progress and what is kept -------------------------------------------------------------------------------------

    def left(self, reserve: float = 0.0) -> float:
        """Seconds, without a reserved share of all of them."""
        return self.total * (1 - reserve) - self.stopwatch.used

    def once(self, key: str, compute: Callable[[], Any]) -> Any:
        """What an earlier attempt has found, or what compute() finds now: JSON."""
        if key not in self.kept:
            self.kept[key] = compute()
            self.save()
        return self.kept[key]

    def save(self) -> None:
        write_json(self.folder / STATE, self.kept)
        self.note_time()

    def note_time(self) -> None:
        self.noted = self.stopwatch.used
        write_json(self.folder / TIME, {"seconds": self.noted})

    def say(self, doing: str) -> None:
        self.doing = doing
        self.tell()

    def tell(self, *_: object) -> None:
        if self.stopwatch.used - self.noted > NOTED_SECONDS:
            self.note_time()
        left = max(0.0, self.left())
        self.reporter(1 - left / self.total, f"{self.doing}; {duration(left)} left at most")

    @property
    def progress(self) -> Progress:
        return Progress(self.tell, self.watch)

    # -- stages --------------------------------------------------------------------------------------------------------------

    def run(self) -> Found:
        """Raises Stopped."""
        real = real_images(self.dataset)
        prepared = self.prepare(real)
        if not prepared.rungs:
            return nothing(
                self.request,
                "too_little_time",
                f"{self.request.minutes:g} minutes are too few to try one arm beside the plain baseline. Give it more minutes.",
                self.notes,
            )
        validation = ValidationScores(np.asarray(real.validation.labels, np.int64), self.kept.get("right"))
        scorer = Announced(prepared, validation, self.say)
        outcome = race(
            prepared.arms,
            scorer,
            prepared.rungs,
            lambda: self.left(VERDICT_SHARE),
            Joins(candidates.combined, candidates.control),
            state=State.read(self.kept.get("race")),
            save=lambda state: self.keep_race(state, validation),
        )
        if outcome.lead is not None:
            self.say("Comparing the winner with the plain baseline on the test images")
            self.checkpoint |= alone(self.dataset, real, self.request.seed, self.progress)
        about = {**self.checkpoint, "notes": self.notes, "seconds": round(self.stopwatch.used, 1)}
        return found_of(outcome, scorer, self.request, about)

    def keep_race(self, state: State, validation: ValidationScores) -> None:
        self.kept |= {"race": state.to_json(), "right": validation.to_json()}
        self.save()

    def prepare(self, real: RealImages) -> Prepared:
        self.say("Measuring how long a classifier takes")
        sampler = self.sampler()
        options = ArmOptions(
            self.request.classifier,
            batch=BATCH[self.request.classifier],
            seed=self.request.seed,
            device=sampler.device.type if sampler else likely_device(),
        )
        task = Task(real, {}, options, self.folder, self.progress)
        speed = Speed(*self.once("speed", lambda: list(measured_speed(task))))
        self.say("Finding out how many updates a classifier needs")
        most = affordable_updates(self.total, speed, UPDATES[options.classifier])
        updates = int(self.once("updates", lambda: choose_updates(real, options, self.progress, most) if most else 0))
        if not updates:
            return Prepared(task, [], [])
        pools, taught = self.pools(real, sampler, options.device)
        counts = np.bincount(np.asarray(real.train.labels), minlength=len(real.classes)).tolist()
        arms = arms_with_images(counts, pools, taught)
        plan = lambda: [
            rung._asdict()
            for rung in candidates.plan_rungs(
                arms,
                lambda arm: candidates.cost(arm, counts),
                updates,
                speed,
                self.left(VERDICT_SHARE),
                self.request.seed,
            )
        ]
        rungs = [Rung(**row | {"seeds": tuple(row["seeds"])}) for row in self.once("rungs", plan)]
        return Prepared(task._replace(pools=pools), arms, rungs)

    def sampler(self) -> RunSampler | None:
        """The generator of the run; None, and a note, where there is none that draws by class."""
        if self.request.run is None:
            return None
        try:
            sampler = RunSampler(self.store.run(self.request.run), self.workspace, self.request.at)
        except UserError as error:
            self.notes.append(f"Not tried: images of the GAN, because {error.what[0].lower()}{error.what[1:]}")
            return None
        if not sampler.config.conditional:
            self.notes.append("Not tried: images of the GAN, because this run ignored the labels.")
            return None
        self.notes += seen_validation_caveat(self.workspace, sampler.run)
        self.checkpoint = {"checkpoint": sampler.sha256[:12], "images_seen": sampler.images_seen}
        return sampler

    def pools(self, real: RealImages, sampler: RunSampler | None, device: str) -> tuple[dict[str, Pool], list[str]]:
        """(the images of each way and mixture and of the control, the ways that have labels of the teacher)."""
        maker = Maker(dataset_folder.load(self.dataset, "train"), self.dataset, sampler, self.request.seed)
        wanted = self.once("wanted", lambda: images_to_make(real))
        seconds = POOLS_SHARE * self.total / len(maker.ways())
        self.say("Making images")
        report = lambda share, said: self.say(said or self.doing)
        made = make_pools(maker, Plan(wanted, seconds, self.folder, self.request.seed), Progress(report, self.watch))
        self.notes += made.notes
        self.say("The teacher looks at the images")
        limit = Deadline(TEACHER_SHARE * self.total, self.progress)
        shown = {**made.pools, AGAIN: Pool(*real.train)}
        pools, note = with_labels(shown, self.dataset, real, device, self.folder, limit)
        self.notes += [note] if note else []
        taught = [way for way, pool in pools.items() if pool.soft is not None]
        partner = next((way for way in ("pasted", "copies") if way in pools), None)
        if "gan" in pools and partner:
            pools[f"gan+{partner}"] = mixture(pools["gan"], pools[partner])
        return pools, taught


class Announced(ArmScorer):
    """Says which arm is trained."""

    def __init__(self, prepared: Prepared, validation: ValidationScores, say: Callable[[str], None]):
        super().__init__(prepared.task, prepared.rungs, validation)
        self.say = say

    def score(self, arm: Arm, rung: int) -> list[float]:
        self.say(f"Round {rung + 1} of {len(self.rungs)}: {arm_in_words(arm)}")
        return super().score(arm, rung)


def arms_with_images(counts: Sequence[int], pools: Mapping[str, Pool], taught: Collection[str]) -> list[Arm]:
    """The arms of the race, without those whose pool has no image of the classes that they show, as of rare ones.

    Real images shown again are no way of their own, and soft labels need a control with such labels.
    """
    ways, taught = [way for way in pools if way != AGAIN], set(taught) if AGAIN in taught else ()
    shown = lambda arm: arm.use is None or batches.shows(np.asarray(counts), arm.use, pools[arm.way].labels)
    return [arm for arm in candidates.candidates(counts, ways, taught) if shown(arm)]


def likely_device() -> str:
    from gan_core.training import device

    found = device.choose("auto")
    device.prepare(found)
    return found.type


def affordable_updates(seconds: float, speed: Speed, tries: Sequence[int]) -> int:
    """The most updates that finding out their number may try; 0 where not even one classifier of the fewest can be trained."""
    most, spent = 0, 0.0
    for updates in tries:
        spent += speed.of(updates, 1)
        if spent > UPDATES_SHARE * seconds:
            break
        most = updates
    if most:
        return most
    return min(tries[0], int(UPDATES_SHARE * seconds / speed.update)) if speed.of(2, 1) < UPDATES_SHARE * seconds else 0


def images_to_make(real: RealImages) -> list[int]:
    """Of each class: twice as many as the largest has, within bounds; none of a class without training images."""
    counts = np.bincount(np.asarray(real.train.labels), minlength=len(real.classes))
    most = min(MOST_MADE, max(LEAST_MADE, MOST_MADE_IN_ALL // max(1, int((counts > 0).sum()))))
    return [int(np.clip(2 * counts.max(), LEAST_MADE, most)) if own else 0 for own in counts]
