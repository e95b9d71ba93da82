"""Checks of numbers: a step on the device is the CPU's, penalties are precise, a resumed run is the same run."""

import contextlib
import copy
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from benchmarks.gpu_checks.bench import (
    CPU,
    Bench,
    Finding,
    Setup,
    drawn_on_the_cpu,
    full_float32,
    share_off,
    smallest_case,
    weights_of,
)
from gan_core.settings import recipes
from gan_core.training import checkpoint
from gan_core.training import device as devices
from gan_core.training.penalties import r1_penalty

LAYOUTS = {"channels last": torch.channels_last, "contiguous": torch.contiguous_format}
FEW_RECIPES = ("quick", "stylegan2-ada", "dcgan", "wgan-gp", "kmeans")


def facts(bench: Bench) -> Finding:
    """The machine. Holds where the GPU multiplies bfloat16 fast; on a CPU always."""
    found: dict[str, Any] = {"torch": torch.__version__, "python": sys.version.split()[0]}
    found["device"] = devices.title(bench.device)
    if not bench.cuda:
        return Finding(True, found)
    square, one = (
        torch.randn(4096, 4096, device=bench.device, dtype=torch.bfloat16),
        torch.zeros(1, device=bench.device),
    )
    product = bench.seconds(lambda: square @ square, 0.2)
    found |= {
        "capability": torch.cuda.get_device_capability(bench.device),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "memory_gib": round(torch.cuda.get_device_properties(bench.device).total_memory / 2**30, 1),
        "bfloat16_tflops": round(2 * 4096**3 / product / 1e12),
        "launch_us": round(bench.seconds(lambda: one.add_(1), 0.2) * 1e6, 2),
    }
    return Finding(devices.fast_bfloat16(bench.device), found)


def steps_equal_the_cpus(bench: Bench) -> Finding:
    """In float64, with the same numbers drawn, steps of every recipe change the weights as on the CPU.

    Adam's first steps are the sign of a gradient, so weights are compared in steps of the learning rate.
    """
    bad, worst = {}, 0.0
    names = FEW_RECIPES if bench.tiny else tuple(recipes.RECIPES)
    for name in names:
        size, changes = smallest_case(name)
        try:
            with drawn_on_the_cpu(double=True):
                ends = [
                    end_of(bench.setup(name, size, where, precision="fp32", **changes)) for where in (CPU, bench.device)
                ]
        except Exception as error:  # a driver may raise anything; the other recipes are still checked
            bad[name] = f"{type(error).__name__}: {str(error)[:160]}"
            continue
        off = share_off(*ends, limit=0.05 * max(recipes.RECIPES[name].config.lr_D, 1e-6))
        worst = max(worst, off)
        if off > 0.01:
            bad[name] = f"{off:.1%} of a tensor differ"
        bench.free()
    return Finding(not bad, {"recipes": len(names), "worst_share_off": worst, "bad": bad})


def end_of(setup: Setup, steps: int = 2) -> list[torch.Tensor]:
    """All weights after some steps."""
    for _ in range(steps):
        setup.step()
    return weights_of(setup.state)


def precision_of_penalties(bench: Bench) -> Finding:
    """D's gradient with the penalty in it, in float32 and in bfloat16, beside that in float64."""
    rows, ok = {}, True
    for recipe in ("quick", "stylegan2-ada"):
        setup = bench.setup(recipe, 32 if bench.tiny else 64, batch=16, width=16 if bench.tiny else 64)
        real, labels = setup.sampler()
        true_penalty, true_gradient = gradient_of(setup.state.D, real, labels, "fp64")
        for kind, most in (("fp32", 0.03), ("bf16", 0.15)):
            penalty, gradient = gradient_of(setup.state.D, real, labels, kind)
            off = ((gradient - true_gradient).norm() / true_gradient.norm()).item()
            penalty_off = abs(penalty / true_penalty - 1)
            rows[f"{recipe} {kind}"] = {"gradient_off": round(off, 5), "penalty_off": round(penalty_off, 5)}
            ok &= off < most and penalty_off < 0.1
    return Finding(ok, rows)


def gradient_of(D: torch.nn.Module, real: torch.Tensor, labels: torch.Tensor, kind: str) -> tuple[float, torch.Tensor]:
    """(R1, gradient of loss and penalty by D's weights) of a copy of D. kind: fp64, fp32 or bf16."""
    double = kind == "fp64"
    net, x = copy.deepcopy(D), real.clone()
    if double:
        net, x = net.double(), x.double()
    x.requires_grad_()
    casts = drawn_on_the_cpu(double=True) if double else contextlib.nullcontext()  # no cast to float32 on the way
    with casts, torch.autocast(x.device.type, torch.bfloat16, enabled=kind == "bf16"):
        logits = net(x, labels).float()
        penalty = r1_penalty(x, logits).mean()
        total = F.softplus(-logits).mean() + 0.25 * penalty
        total.backward()
    return penalty.item(), torch.cat([p.grad.double().flatten() for p in net.parameters() if p.grad is not None])


def resume(bench: Bench) -> Finding:
    """A checkpoint goes on in either memory layout, on the device and on the CPU, as the run that was not interrupted."""
    found, ok = {}, True
    with tempfile.TemporaryDirectory() as scratch, full_float32(), drawn_on_the_cpu(double=False):
        for start in dict.fromkeys((bench.device, CPU)):
            for saved_in in LAYOUTS:
                setup = in_layout(resumable(bench, start), saved_in)
                for _ in range(4):
                    setup.step()
                folder = Path(scratch, f"{start.type} {saved_in}")
                checkpoint.save(folder, setup.state, {})
                values, _ = checkpoint.newest(folder)  # type: ignore[misc]
                on, lr = next_step(setup), setup.config.lr_D
                for end in dict.fromkeys((bench.device, CPU)):
                    for read_in in LAYOUTS:
                        name = f"{start.type}, {saved_in} -> {end.type}, {read_in}"
                        resumed = in_layout(resumable(bench, end), read_in)
                        try:
                            checkpoint.restore(resumed.state, values)
                            off = share_off(next_step(resumed), on, lr / 2)
                        except Exception as error:
                            found[name], ok = f"{type(error).__name__}: {str(error)[:120]}", False
                            continue
                        found[name] = round(off, 4)
                        ok &= off < 0.02
    return Finding(ok, found)


def resumable(bench: Bench, where: torch.device) -> Setup:
    return bench.setup("quick", 32, where, width=16 if bench.tiny else 32, batch=16, precision="fp32")


def in_layout(setup: Setup, layout: str) -> Setup:
    for net in (setup.state.G, setup.state.D, setup.state.G_ema):
        net.to(memory_format=LAYOUTS[layout])
    return setup


def next_step(setup: Setup) -> list[torch.Tensor]:
    """D's weights after one step whose draws are the same each time."""
    torch.manual_seed(5)
    setup.step()
    return [p.detach().to("cpu", torch.float64) for p in setup.state.D.parameters()]
