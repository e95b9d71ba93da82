"""Why torch cannot use a GPU of this computer, and what to install; asked before a run begins."""

import functools
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import torch

from gan_core.errors import UserError, is_out_of_memory

OR_CPU = "or set the device to 'cpu'."


class Obstacle(NamedTuple):
    """Why torch cannot use a GPU, and what to do, in a sentence each. there: whether this computer seems to have one."""

    what: str
    todo: str
    there: bool = True


@functools.lru_cache(maxsize=8)
def obstacle(device: torch.device) -> Obstacle | None:
    """Why torch cannot compute on this GPU; None where a first convolution works. Raises UserError out_of_memory where it is
    full, and asks again the next time.
    """
    if not torch.cuda.is_available():
        return unavailable()
    try:
        try_convolution(device)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise full(device) from None
        return unsupported(device) or Obstacle(
            f"A first convolution on the GPU failed: {first_line(error)}.",
            f"Update NVIDIA's driver and restart the computer, {OR_CPU}",
        )
    return None


def try_convolution(device: torch.device) -> None:
    """The smallest one that needs a kernel for this GPU. Raises RuntimeError where there is none."""
    weight = torch.ones(1, 1, 3, 3, device=device)
    torch.nn.functional.conv2d(torch.ones(1, 1, 8, 8, device=device), weight).sum().item()


def unavailable() -> Obstacle:
    """Why torch sees no GPU: none is here, torch is built without CUDA, or the driver is too old or broken."""
    if shutil.which("nvidia-smi") is None and not Path("/proc/driver/nvidia/version").exists():
        return Obstacle("There is no usable GPU on this computer.", "Set the device to 'auto' or 'cpu'.", there=False)
    if torch.version.cuda is None:
        what = "This computer has an NVIDIA driver, but the torch that is installed computes on CPUs alone."
        return Obstacle(what, f"Install a torch that is built for CUDA, {OR_CPU}")
    try:
        torch.cuda.init()
        reason = "no GPU answers"
    except (RuntimeError, AssertionError) as error:
        reason = first_line(error)
    if found := re.search(r"driver .*too old \(found version (\d+)\)", reason):
        offered = f"{int(found[1]) // 1000}.{int(found[1]) % 1000 // 10}"
        what = f"NVIDIA's driver is too old: it offers CUDA {offered}, and this torch is built for CUDA {torch.version.cuda}."
        major = offered.partition(".")[0]
        return Obstacle(what, f"Update the driver, install a torch that is built for CUDA {major}, {OR_CPU}")
    if "No CUDA GPUs are available" in reason and os.environ.get("CUDA_VISIBLE_DEVICES") is not None:
        what = f"CUDA_VISIBLE_DEVICES is set to {os.environ['CUDA_VISIBLE_DEVICES']!r}, which hides the GPU."
        return Obstacle(what, f"Start Ganvas without this variable, {OR_CPU}")
    return Obstacle(f"The GPU cannot be used: {reason}.", f"Update NVIDIA's driver and restart the computer, {OR_CPU}")


def unsupported(device: torch.device) -> Obstacle | None:
    """Where torch has no kernels for a GPU of this compute capability; None where it should have some."""
    mine = torch.cuda.get_device_capability(device)
    names = re.findall(r"(sm|compute)_(\d+)", " ".join(torch.cuda.get_arch_list()))
    built = [(kind, divmod(int(number), 10)) for kind, number in names]
    # Machine code runs on the same generation from its own version on, PTX on every later one.
    if any(at <= mine and (kind == "compute" or at[0] == mine[0]) for kind, at in built):
        return None
    known = sorted(at for _, at in built)
    words = lambda at: f"{at[0]}.{at[1]}"
    built_for = f"{words(known[0])} to {words(known[-1])}" if known else "none"
    what = f"The {torch.cuda.get_device_name(device)} has compute capability {words(mine)}; torch is built for {built_for}."
    older = bool(known) and mine < known[0]
    todo = "Install a torch that is built for an older CUDA and supports this GPU" if older else "Install a newer torch"
    return Obstacle(what, f"{todo}, {OR_CPU}")


def full(device: torch.device) -> UserError:
    """The memory of the GPU is taken before this process has begun."""
    try:
        free, total = torch.cuda.mem_get_info(device)
        room = f"{free / 1e9:.1f} GB of {total / 1e9:.1f} GB are free"
    except RuntimeError:  # not even a context of CUDA fits
        room = "there is no room for another program"
    return UserError(
        "out_of_memory",
        f"The GPU's memory is full: {room}.",
        "End what uses the GPU beside Ganvas (nvidia-smi lists it), or set the device to 'cpu'.",
    )


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
