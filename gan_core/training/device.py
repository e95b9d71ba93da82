"""The device, threads and precision of a run, and how much memory it takes."""

import os
import threading
from typing import Any

import psutil
import torch

from gan_core.errors import UserError
from gan_core.settings.schema import TrainConfig

FRESH_BYTES = psutil.Process().memory_info().rss  # of a process that has torch and little else


def choose(name: str) -> torch.device:
    """'auto', 'cpu' or 'cuda' -> device. Raises UserError no_gpu where a GPU is asked for and there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("no_gpu", "There is no usable GPU on this computer.", "Set the device to 'auto' or 'cpu'.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def prepare(device: torch.device) -> None:
    """Set torch's process-wide switches for speed. They change the result by rounding alone."""
    torch.set_flush_denormal(True)  # denormal numbers make CPU convolutions slow once D's gradients vanish
    if device.type == "cpu":
        torch.set_num_threads(cpu_threads())
    else:
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")  # TF32
        torch.backends.cudnn.allow_tf32 = True


def synchronize(device: torch.device) -> None:
    """Wait until a GPU has done what it was given; a CPU has nothing left to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def cpu_threads() -> int:
    """The number of threads for training on a CPU: $GANVAS_THREADS, or one for each core."""
    return int(os.environ.get("GANVAS_THREADS") or psutil.cpu_count(logical=False) or 1)


def title(device: torch.device) -> str:
    """'cpu' or 'cuda: NVIDIA ...'."""
    return f"cuda: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else "cpu"


def memory_bytes(device: torch.device) -> int:
    """Memory in use: the process's resident set on a CPU, the peak of torch's allocator on a GPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else psutil.Process().memory_info().rss


class PeakMemory:
    """`with PeakMemory(device) as m: ...`, then m.bytes: the peak memory of a fresh process that does the same.

    On a GPU the allocator counts. On a CPU the process is sampled 50 times a second, without what it held before.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.bytes, self.done = device, 0, threading.Event()

    def __enter__(self) -> "PeakMemory":
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        self.before = psutil.Process().memory_info().rss
        self.peak = self.before
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()
        return self

    def watch(self) -> None:
        process = psutil.Process()
        while not self.done.wait(0.02):
            self.peak = max(self.peak, process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.watcher.join()
        on_cpu = FRESH_BYTES + self.peak - self.before
        self.bytes = torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else on_cpu


def bfloat16(config: TrainConfig, device: torch.device) -> bool:
    """Whether this run computes in bfloat16; with 'auto' where the hardware multiplies it faster than float32."""
    if config.precision != "auto":
        return config.precision == "bf16"
    return fast_bfloat16(device)


def fast_bfloat16(device: torch.device) -> bool:
    """True for GPUs from Ampere on and CPUs with AMX (Intel since Sapphire Rapids) or AVX512_BF16 (AMD since Zen 4)."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def facts() -> dict[str, Any]:
    """The hardware that training finds, as plain values: the version of torch, the CPU's threads, each GPU."""
    gpus = []
    for index in range(torch.cuda.device_count()):
        known = torch.cuda.get_device_properties(index)
        at = torch.device("cuda", index)
        gpus.append(
            {
                "name": known.name,
                "memory_bytes": known.total_memory,
                "capability": f"{known.major}.{known.minor}",
                "bf16": fast_bfloat16(at),
            }
        )
    return {
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda,
        "threads": cpu_threads(),
        "bf16": fast_bfloat16(torch.device("cpu")),
        "gpus": gpus,
    }


def autocast(config: TrainConfig, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=bfloat16(config, device))
