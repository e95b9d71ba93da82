"""The steps of a run on a GPU as CUDA graphs: one launch for a whole step, with the draw of its batch.

A step launches hundreds to thousands of small kernels, and the host needs longer to launch them than the GPU to run them. Each kind
of step (state.Kind) is taken eagerly a few times, captured, and from then on replayed; all graphs share one pool of memory. Any
error in a capture ends graphs for the run, with a notice: the steps go on eagerly. Not with several processes.
"""

import gc
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from gan_core.settings.schema import TrainConfig
from gan_core.training import global_batch
from gan_core.training.batches import BatchSampler
from gan_core.training.state import Kind, State, Stats
from gan_core.training.step import carry_out, prepare

EAGER_FIRST = 11  # steps before the first capture: libraries choose their kernels, optimizers make their state
EAGER_OF_A_KIND = 3

Work = Callable[[], Stats]


class Place(NamedTuple):
    """Where graphs are captured: their stream, which eager steps before them use too (autograd remembers it), and their pool."""

    stream: Any
    pool: Any

    @classmethod
    def on(cls, device: torch.device) -> "Place | None":
        return cls(torch.cuda.Stream(device), torch.cuda.graph_pool_handle()) if device.type == "cuda" else None


Capture = Callable[[Work, Place | None], tuple[Work, Stats]]


def capture_and_replay(work: Work, place: Place | None) -> tuple[Work, Stats]:
    """Capture work() as a CUDA graph and carry it out once. Returns (what repeats it, the results of this time).

    The results are the same tensors each time, filled anew.
    """
    assert place is not None
    gc.collect()  # nothing of an earlier step is to be freed within the capture
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=place.pool, stream=place.stream):
        stats = work()

    def replay() -> Stats:
        graph.replay()
        return stats

    return replay, replay()


def aside(work: Work, place: Place | None) -> Stats:
    """work() on the stream of the graphs, in order with what the device does otherwise."""
    if place is None:
        return work()
    usual = torch.cuda.current_stream()
    place.stream.wait_stream(usual)
    with torch.cuda.stream(place.stream):
        stats = work()
    usual.wait_stream(place.stream)
    return stats


class TrainSteps:
    """Takes the steps of a run. notice: told once, in a sentence, where graphs are given up."""

    def __init__(
        self,
        state: State,
        sampler: BatchSampler,
        config: TrainConfig,
        notice: Callable[[str], None],
        capture: Capture | None = None,
        eager_first: int = EAGER_FIRST,
    ) -> None:
        """capture: None takes all steps eagerly, and so does a set that stays on the CPU: a graph would repeat one batch of it."""
        self.state, self.sampler, self.config, self.notice = state, sampler, config, notice
        self.capture = capture if sampler.place.type == sampler.device.type else None
        self.batch = sampler.batch * global_batch.world()[1]
        self.eager_first = eager_first
        self.eager: Counter[Kind] = Counter()
        self.replays: dict[Kind, Work] = {}
        self.growth: tuple[tuple[int, bool], ...] = ()
        self.place: Place | None = None
        self.forget()
        self.eager_steps = 0  # so far

    def __call__(self, progress: float) -> Stats:
        """One step. Its means are to be used before the next step, which may fill the same tensors."""
        kind = prepare(self.state, self.config, progress, self.batch)
        if self.capture is None:
            return self.take(kind)
        if kind.growth != self.growth:
            self.forget()
            self.growth = kind.growth
        if replay := self.replays.get(kind):
            return replay()
        if self.eager[kind] < EAGER_OF_A_KIND or self.eager.total() < self.eager_first:
            self.eager[kind] += 1
            self.eager_steps += 1
            return aside(lambda: self.take(kind), self.place)
        try:
            self.replays[kind], stats = self.capture(lambda: self.take(kind), self.place)
        except Exception as error:  # a driver may raise anything
            self.give_up(error)
            return self.take(kind)
        return stats

    def take(self, kind: Kind) -> Stats:
        return carry_out(self.state, *self.sampler(), self.config, kind)

    def forget(self) -> None:
        """Free all graphs: the networks have changed."""
        self.replays, self.growth = {}, ()
        self.eager.clear()
        for optimizer in (self.state.opt_G, self.state.opt_D, self.state.opt_refiner):
            if optimizer is not None:
                optimizer.zero_grad(set_to_none=True)  # gradients lie in the pool
        self.place = Place.on(self.sampler.device) if self.capture else None

    def give_up(self, error: Exception) -> None:
        self.capture = None
        self.forget()
        gc.collect()
        if self.sampler.device.type == "cuda":
            torch.cuda.empty_cache()
        first_line = (str(error).splitlines() or [""])[0]
        self.notice(f"Steps are not captured as CUDA graphs, which is slower: {type(error).__name__}: {first_line}")
