"""The device, threads and precision of a run, and how much memory it takes."""

import gc
import os
import threading
from typing import Any

import psutil
import torch

from gan_core.errors import UserError
from gan_core.settings.schema import TrainConfig
from gan_core.training.gpu_obstacle import obstacle

FRESH_BYTES = psutil.Process().memory_info().rss  # of a process that has torch and little else


def choose(name: str) -> torch.device:
    """'auto', 'cpu', 'cuda' or one GPU, as 'cuda:1' -> device. 'auto' is the CPU where no GPU can be used; see obstacle().

    Raises UserError no_gpu where that GPU is not there or cannot be used, and out_of_memory where another program fills it.
    """
    if name == "cpu":
        return torch.device("cpu")
    if name.startswith("cuda:") and torch.cuda.is_available() and int(os.environ.get("WORLD_SIZE", "1")) == 1:
        found = numbered(name)  # torchrun gives each process its GPU
    else:
        found = torch.device("cuda")
    hindered = obstacle(found)
    if hindered is not None and name.startswith("cuda"):
        raise UserError("no_gpu", hindered.what, hindered.todo)
    return torch.device("cpu") if hindered is not None else found


def numbered(name: str) -> torch.device:
    """The GPU 'cuda:1'. A worker that was given this GPU sees it alone, as its first (gan_core/jobs/devices.py)."""
    count = torch.cuda.device_count()
    number = 0 if count == 1 and os.environ.get("GANVAS_DEVICE") == name else int(name.removeprefix("cuda:"))
    if number >= count:
        what = f"There is no GPU {name} on this computer, whose last one is cuda:{count - 1}."
        raise UserError("no_gpu", what, "Set the device to 'auto' or 'cuda'.")
    torch.cuda.set_device(number)
    return torch.device("cuda", number) if number else torch.device("cuda")


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
    """Memory in use: the process's resident set on a CPU; on a GPU the most that torch has reserved since forget_peak().

    CUDA itself and its libraries take some hundred MB more, which torch does not know.
    """
    return torch.cuda.max_memory_reserved(device) if device.type == "cuda" else psutil.Process().memory_info().rss


def forget_peak(device: torch.device) -> None:
    """Count the peak memory of a GPU from here on: without earlier jobs of this process and trial steps."""
    if device.type == "cuda":
        gc.collect()  # networks are in reference cycles
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


class PeakMemory:
    """`with PeakMemory(device) as m: ...`, then m.bytes: the peak memory of a fresh process that does the same.

    On a GPU the allocator counts. On a CPU the process is sampled 50 times a second, without what it held before.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.bytes, self.done = device, 0, threading.Event()

    def __enter__(self) -> "PeakMemory":
        forget_peak(self.device)
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
        self.bytes = memory_bytes(self.device) if self.device.type == "cuda" else on_cpu


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
    """The hardware that training finds, as plain values: the version of torch, the CPU's threads, each GPU that it can use.

    "obstacle": None, or why a GPU of this computer cannot be used, and what to do.
    """
    try:
        hindered = obstacle(torch.device("cuda"))
    except UserError:  # full at the moment, which may pass
        hindered = None
    gpus = []
    for index in range(0 if hindered else torch.cuda.device_count()):
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
        "obstacle": {"what": hindered.what, "todo": hindered.todo} if hindered and hindered.there else None,
    }


def autocast(config: TrainConfig, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=bfloat16(config, device))
