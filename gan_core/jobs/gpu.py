"""The GPU between two jobs of a process. torch is not imported here: without it no GPU is in use."""

import gc
import sys

from gan_core.errors import is_out_of_memory


def is_lost() -> bool:
    """Whether this process can use its GPU no more. After some faults (a card that fell off the bus, an illegal address) every call
    fails until the process ends.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return False
    try:
        torch.cuda.synchronize()
    except RuntimeError as error:
        return not is_out_of_memory(error)
    return False


def give_memory_back() -> None:
    """Hand what torch keeps of the GPU's memory for later back to the driver: another process may need it."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        gc.collect()  # networks are in reference cycles
        torch.cuda.empty_cache()
