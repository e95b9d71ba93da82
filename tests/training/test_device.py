"""The precision that a device computes in."""

import pytest
import torch

from gan_core.training import device, step
from tests.training.test_step import CPU, batch, fresh


def test_bfloat16_computes_about_the_same_and_keeps_full_weights(tiny):
    rows = {}
    for precision in ("fp32", "bf16"):
        config = tiny(precision=precision)
        state = fresh(config)
        rows[precision] = step.train_step(state, *batch(), config)
        assert all(p.dtype == torch.float32 for p in state.G.parameters())
    for name, value in rows["fp32"].items():
        assert rows["bf16"][name].item() == pytest.approx(value.item(), rel=0.1, abs=0.02), name
    assert device.bfloat16(tiny(precision="bf16"), CPU) and not device.bfloat16(tiny(precision="fp32"), CPU)


@pytest.mark.parametrize("amx, avx512", [(True, False), (False, True), (False, False)])
def test_a_cpu_computes_in_bfloat16_where_it_has_instructions_for_it(tiny, monkeypatch, amx, avx512):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    assert device.bfloat16(tiny(precision="auto"), CPU) is (amx or avx512)


@pytest.mark.slow
def test_the_peak_of_a_run_on_a_gpu_is_what_torch_reserved_since_it_began(monkeypatch):
    """Not what earlier jobs of the process or trial steps took; replaced is what torch reports of a GPU."""
    GPU, reserved, calls = torch.device("cuda"), {"now": 3, "peak": 9}, []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: (calls.append("empty"), reserved.update(now=2)))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda _: reserved.update(peak=reserved["now"]))
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda _: reserved["peak"])
    assert device.memory_bytes(GPU) == 9
    device.forget_peak(GPU)
    assert device.memory_bytes(GPU) == 2 and calls == ["empty"]
    with device.PeakMemory(GPU) as memory:
        reserved["peak"] = 7
    assert memory.bytes == 7
    device.forget_peak(CPU)
    assert calls == ["empty", "empty"] and device.memory_bytes(CPU) > 1_000_000


def test_torch_is_told_to_grow_its_blocks_of_gpu_memory_before_it_is_loaded():
    import os
    import subprocess
    import sys

    script = "import gan_core, os, sys; print(os.environ.get('PYTORCH_ALLOC_CONF'), 'torch' in sys.modules)"
    clean = {key: value for key, value in os.environ.items() if not key.endswith("ALLOC_CONF")}
    for given, wanted in (({}, "expandable_segments:True"), ({"PYTORCH_CUDA_ALLOC_CONF": "x:1"}, "None")):
        done = subprocess.run([sys.executable, "-c", script], env=clean | given, capture_output=True, text=True)
        assert done.stdout.split() == [wanted, "False"], done.stderr
