"""Where a run computes: device, threads, memory format, and how much memory it took."""

import os

import psutil
import torch

from gan_core.errors import UserError


def choose(wish: str) -> torch.device:
    """'auto', 'cpu' or 'cuda' -> device. Raises UserError where a GPU is asked for and there is none."""
    if wish == "cuda" and not torch.cuda.is_available():
        raise UserError("no_gpu", "There is no usable GPU on this computer.", "Set the device to 'auto' or 'cpu'.")
    return torch.device("cuda" if wish != "cpu" and torch.cuda.is_available() else "cpu")


def prepare(device: torch.device) -> None:
    """Process-wide switches for training speed; no effect on the result beyond rounding."""
    torch.set_flush_denormal(True)  # denormals make CPU convolutions crawl once D's gradients vanish
    if device.type == "cpu":
        torch.set_num_threads(int(os.environ.get("GANVAS_THREADS") or psutil.cpu_count(logical=False) or 1))
    else:
        torch.backends.cudnn.benchmark = True


def title(device: torch.device) -> str:
    """'cpu' or 'cuda: NVIDIA ...'."""
    return f"cuda: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else "cpu"


def memory_bytes(device: torch.device) -> int:
    """Memory in use: the process's resident set on a CPU, the peak of torch's allocator on a GPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else psutil.Process().memory_info().rss
