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
