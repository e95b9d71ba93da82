"""Checks of single steps: none waits for the device, and a penalty's second derivative is not slow."""

import itertools
import math
import time

import torch
from torch import nn

from benchmarks.gpu_checks.bench import Bench, Finding, smallest_case
from gan_core.settings import recipes
from gan_core.training import device as devices
from gan_core.training.penalties import r1_penalty

LARGE = (("best", 128), ("stylegan2-ada", 128), ("stylegan2-ada", 256), ("fastgan", 256), ("projected", 256))
FIRST_STEP_SECONDS = 20


def step_of_every_recipe(bench: Bench) -> Finding:
    """Finite, never waits for the device, and the first step does not take minutes; with its memory."""
    devices.prepare(bench.device)
    bad, rows = {}, {}
    for name, size in cases_of_every_recipe(bench):
        try:
            first, memory, sound = some_steps(bench, name, size)
        except Exception as error:  # a driver may raise anything; the other recipes are still checked
            bad[f"{name} {size}"] = f"{type(error).__name__}: {str(error)[:160]}"
            continue
        rows[f"{name} {size}"] = {"first_step_s": round(first, 2), "memory_gib": round(memory / 2**30, 2)}
        if not sound:
            bad[f"{name} {size}"] = "not finite"
        elif first > FIRST_STEP_SECONDS and not bench.tiny:
            bad[f"{name} {size}"] = f"first step {first:.0f} s"
        bench.free()
    return Finding(not bad, {"cases": len(rows), "rows": rows, "bad": bad})


def cases_of_every_recipe(bench: Bench) -> list[tuple[str, int]]:
    """(recipe, px): each at its smallest size where the bench is tiny, else at its largest up to 64 px, and some above."""
    if bench.tiny:
        return [(name, smallest_case(name)[0]) for name in recipes.RECIPES]
    usual = [(name, max([s for s in r.sizes if s <= 64] or r.sizes[:1])) for name, r in recipes.RECIPES.items()]
    return usual + [case for case in LARGE if case[0] in recipes.RECIPES and case not in usual]


def some_steps(bench: Bench, recipe: str, size: int) -> tuple[float, int, bool]:
    """(seconds of the first step, bytes, whether the last one is finite); the last one must not wait for the device.

    A tiny bench takes one step.
    """
    if bench.cuda:
        devices.forget_peak(bench.device)
    setup = bench.setup(recipe, size, **(smallest_case(recipe)[1] if bench.tiny else {}))
    started = time.perf_counter()
    stats = setup.step()
    bench.synchronize()
    first = time.perf_counter() - started
    if bench.tiny:
        return first, devices.memory_bytes(bench.device), finite(stats)
    for _ in range(3):
        setup.step()
    if bench.cuda:
        bench.synchronize()
        torch.cuda.set_sync_debug_mode("error")
    try:
        stats = setup.step()
    finally:
        if bench.cuda:
            torch.cuda.set_sync_debug_mode("default")
    return first, devices.memory_bytes(bench.device), finite(stats)


def finite(stats: dict[str, torch.Tensor]) -> bool:
    return all(math.isfinite(value.item()) for value in stats.values())


def double_backward_of_convolutions(bench: Bench) -> Finding:
    """A penalty's second derivative costs less than six plain steps of the same convolutions; three to four are ideal."""
    rows = {}
    for dtype in (torch.float32, torch.bfloat16):
        for name, layout in (("channels last", torch.channels_last), ("contiguous", torch.contiguous_format)):
            net, x = strided(bench, dtype, layout)
            started = time.perf_counter()
            learn(net, x, penalty=True)
            bench.synchronize()
            first, least = time.perf_counter() - started, 0.05 if bench.tiny else 0.5
            plain, penalized = (bench.seconds(lambda: learn(net, x, penalty), least) for penalty in (False, True))  # noqa: B023
            rows[f"{str(dtype).removeprefix('torch.')}, {name}"] = {
                "first_s": round(first, 2),
                "plain_ms": round(plain * 1e3, 2),
                "with_penalty_ms": round(penalized * 1e3, 2),
            }
    best = min(rows.values(), key=lambda row: row["with_penalty_ms"])
    soon = all(row["first_s"] < FIRST_STEP_SECONDS for row in rows.values())
    return Finding(soon and best["with_penalty_ms"] < 6 * best["plain_ms"], rows)


def strided(bench: Bench, dtype: torch.dtype, layout: torch.memory_format) -> tuple[nn.Module, torch.Tensor]:
    """(the convolutions of a small D, images)."""
    widths = (3, 16, 32) if bench.tiny else (3, 64, 128, 256, 512)
    layers: list[nn.Module] = []
    for i, o in itertools.pairwise(widths):
        layers += [nn.Conv2d(i, o, 4, 2, 1), nn.LeakyReLU(0.2)]
    net = nn.Sequential(*layers).to(bench.device, dtype).to(memory_format=layout)
    return net, torch.randn(8 if bench.tiny else 256, 3, 64, 64, device=bench.device, dtype=dtype)


def learn(net: nn.Module, x: torch.Tensor, penalty: bool) -> None:
    images = x.detach().requires_grad_()
    logits = net(images).flatten(1).float().sum(1)
    total = logits.mean()
    if penalty:
        total = total + r1_penalty(images, logits).mean()
    net.zero_grad()
    total.backward()
