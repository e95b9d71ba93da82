"""The checks of benchmarks/gpu_acceptance.py, in the order in which they run, each with the seconds that it may take."""

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.gpu_checks import graph, numbers, speed, whole
from benchmarks.gpu_checks.bench import Bench, Finding


class Check(NamedTuple):
    run: Callable[[Bench], Finding]
    seconds: float


CHECKS = (
    Check(numbers.facts, 10),
    Check(numbers.steps_equal_the_cpus, 60),
    Check(speed.step_of_every_recipe, 70),
    Check(numbers.precision_of_penalties, 15),
    Check(speed.double_backward_of_convolutions, 20),
    Check(graph.graph_equals_eager, 45),
    Check(graph.gpu_is_busy, 70),
    Check(graph.compute_mode_is_found_soon, 40),
    Check(whole.textbook_loop, 50),
    Check(numbers.resume, 20),
    Check(whole.memory_runs_out, 25),
    Check(whole.through_the_command_line, 75),
    Check(whole.quality_in_minutes, 80),
)
