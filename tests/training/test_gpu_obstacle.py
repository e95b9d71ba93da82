"""What a GPU that torch cannot use is told as. Only what torch reports is replaced: no GPU is needed."""

import shutil

import pytest
import torch

from gan_core.errors import UserError
from gan_core.training import device, gpu_obstacle

GPU = torch.device("cuda")


def raising(text, kind=RuntimeError):
    def call(*_, **__):
        raise kind(text)

    return call


@pytest.fixture(autouse=True)
def asked_anew():
    gpu_obstacle.obstacle.cache_clear()
    yield
    gpu_obstacle.obstacle.cache_clear()


@pytest.fixture
def driver(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "init", raising("CUDA unknown error"))
    return monkeypatch


@pytest.fixture
def card(driver):
    """A GPU that torch sees and that fails at the first kernel, as it does on this computer."""
    driver.setattr(torch.cuda, "is_available", lambda: True)
    driver.setattr(torch.nn.functional, "conv2d", raising("CUDA error: no kernel image is available for execution"))
    driver.setattr(torch, "ones", lambda *shape, **_: torch.zeros(shape))
    driver.setattr(torch.cuda, "get_device_name", lambda *_: "NVIDIA GeForce GTX 1080")
    driver.setattr(torch.cuda, "get_device_capability", lambda *_: (6, 1))
    driver.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_80", "sm_90", "compute_90"])
    return driver


def refused(name="cuda"):
    with pytest.raises(UserError) as found:
        device.choose(name)
    return found.value


def test_a_computer_without_a_gpu_trains_on_its_cpu_without_a_word(driver):
    driver.setattr(shutil, "which", lambda name: None)
    found = gpu_obstacle.obstacle(GPU)
    assert not found.there and device.choose("auto").type == "cpu" and device.facts()["obstacle"] is None
    assert refused().code == "no_gpu"


def test_an_old_driver_is_named_with_what_it_offers_and_what_torch_needs(driver):
    text = "The NVIDIA driver on your system is too old (found version 12020). Please update your GPU driver"
    driver.setattr(torch.cuda, "init", raising(text))
    error = refused()
    assert error.code == "no_gpu" and "12.2" in error.what and "13.0" in error.what
    assert "driver" in error.todo and "CUDA 12" in error.todo
    assert device.choose("auto").type == "cpu"
    assert device.facts()["obstacle"]["what"] == error.what and device.facts()["gpus"] == []


def test_a_torch_for_cpus_is_named(driver):
    driver.setattr(torch.version, "cuda", None)
    assert "CPUs alone" in refused("cuda").what and "built for CUDA" in refused("cuda:0").todo


def test_a_variable_that_hides_the_gpu_is_named(driver):
    driver.setattr(torch.cuda, "init", raising("No CUDA GPUs are available"))
    driver.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert "CUDA_VISIBLE_DEVICES" in refused().what


def test_an_unknown_reason_is_passed_on(driver):
    assert "CUDA unknown error" in refused().what and "restart" in refused().todo


def test_a_card_too_old_for_this_torch_is_told_before_training(card):
    error = refused()
    assert error.code == "no_gpu" and all(word in error.what for word in ("GTX 1080", "6.1", "7.5", "9.0"))
    assert "older CUDA" in error.todo and device.choose("auto").type == "cpu"


def test_a_card_too_new_needs_a_newer_torch(card):
    card.setattr(torch.cuda, "get_device_capability", lambda *_: (12, 0))
    card.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_90"])
    assert "newer torch" in refused().todo


@pytest.mark.parametrize(
    "capability, runs", [((8, 6), True), ((8, 0), True), ((7, 0), False), ((9, 0), True), ((12, 0), True)]
)
def test_machine_code_runs_on_its_generation_and_ptx_on_later_ones(card, capability, runs):
    card.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
    assert (gpu_obstacle.unsupported(GPU) is None) is runs


def test_a_card_that_fails_otherwise_is_told_with_its_error(card):
    card.setattr(torch.cuda, "get_device_capability", lambda *_: (8, 0))
    assert "no kernel image" in refused().what


@pytest.mark.parametrize("text", ["CUDA out of memory.", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `x`"])
def test_a_full_card_is_told_as_such_and_asked_again(card, text):
    card.setattr(torch.nn.functional, "conv2d", raising(text))
    card.setattr(torch.cuda, "mem_get_info", lambda *_: (200_000_000, 24_000_000_000))
    for name in ("cuda", "auto"):  # not the CPU without a word: the card may be free in a minute
        error = refused(name)
        assert error.code == "out_of_memory" and "0.2 GB of 24.0 GB" in error.what
    card.setattr(torch.nn.functional, "conv2d", lambda *_: torch.zeros(1))
    assert device.choose("auto").type == "cuda"


def test_not_even_a_context_fits(card):
    card.setattr(torch.nn.functional, "conv2d", raising("CUDA error: out of memory"))
    card.setattr(torch.cuda, "mem_get_info", raising("CUDA error: out of memory"))
    assert "no room" in refused().what
