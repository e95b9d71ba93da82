"""Put published weights into our networks, by name and shape, and say what was taken."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from gan_core.models.spectral_norm import FIRST_STEPS, SpectralNorm, spectral_weights
from gan_core.training.published.layout import Layout, Weights

CLASSES = (
    "embed.",
    "plane.",
    "classify.",
    ".share",
    "hint.",
)  # parts of our names: what belongs to the classes of a dataset
CONSTANT = (
    "resample_filter",
    "Resampler.Kernel",
    "w_avg",
    "weight_v",
)  # ends of published names: nothing that is learnt
LISTED = 6  # names in a sentence


class Taken(NamedTuple):
    """taken: our names that got published values. fresh: ours that did not. unused: published names that have no place here.

    share: of the network's numbers, without those of the classes, that were taken.
    """

    taken: list[str]
    fresh: list[str]
    unused: list[str]
    share: float

    def sentence(self, network: str) -> str:
        all_of_them = len(self.taken) + len(self.fresh)
        said = f"{network}: {len(self.taken)} of {all_of_them} tensors taken ({self.share:.0%} of its numbers)"
        if self.fresh:
            said += f"; fresh: {listed(self.fresh)}"
        if self.unused:
            said += f"; in the file but not here: {listed(self.unused)}"
        return said + "."

    def facts(self) -> dict[str, Any]:
        return {"taken": len(self.taken), "fresh": self.fresh, "unused": self.unused, "share": round(self.share, 4)}


def listed(names: list[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


def put(net: nn.Module, weights: Weights, name_of: Callable[[str, int], str | None], layout: Layout) -> Taken:
    """name_of: names_G or names_D of the layout.

    Class embeddings stay fresh. A weight that also receives the class, where the published one does not, gets zeros for it.
    """
    own, levels = net.state_dict(), sizes_of(net)
    found, unused = {}, []
    for published, tensor in weights.items():
        if published.endswith(CONSTANT):
            continue
        name = name_of(published, levels)
        value = fitted(tensor, own.get(name), layout.class_input.get(name)) if name else None
        if name is None or value is None or of_classes(name):
            unused.append(published)
        else:
            found[name] = value
    zeros = {name: torch.zeros_like(own[name]) for name in layout.zeros if name in own and name not in found}
    net.load_state_dict(own | found | zeros)
    settle(net, found)
    counted = {name: tensor.numel() for name, tensor in own.items() if not of_classes(name)}
    share = sum(counted[name] for name in found) / max(1, sum(counted.values()))
    return Taken(list(found), [name for name in own if name not in found | zeros], unused, share)


def of_classes(name: str) -> bool:
    return any(part in f"{name}." for part in CLASSES)


def sizes_of(net: nn.Module) -> int:
    """How many sizes a network of blocks has, from 4 px on; 0 where it has no blocks."""
    blocks: Any = getattr(net, "blocks", None)
    return 0 if blocks is None else len(blocks) + 1


def fitted(
    tensor: torch.Tensor, own: torch.Tensor | None, class_input: tuple[int, float] | None
) -> torch.Tensor | None:
    """The published tensor in the shape and kind of ours; None where it does not fit."""
    if own is None:
        return None
    if squeezed(tensor) == squeezed(own):
        return tensor.reshape(own.shape).to(own.dtype)
    if class_input is None or tensor.ndim != own.ndim:
        return None
    axis, factor = class_input
    known = tensor.shape[axis]
    if known >= own.shape[axis] or tensor.shape != (*own.shape[:axis], known, *own.shape[axis + 1 :]):
        return None
    wide = torch.zeros_like(own)
    wide.narrow(axis, 0, known).copy_(tensor * factor)
    return wide


def squeezed(tensor: torch.Tensor) -> tuple[int, ...]:
    """Its shape without sides of 1."""
    return tuple(n for n in tensor.shape if n != 1)


def settle(net: nn.Module, found: dict[str, torch.Tensor]) -> None:
    """Power iterations for each weight under spectral norm whose singular vector did not come with it."""
    known = {id(module.u): name for name, module in spectral_norms(net)}
    for spectral in spectral_weights(net):
        if f"{known[id(spectral.norm.u)]}.u" not in found:
            for _ in range(FIRST_STEPS):
                spectral.iterate()


def spectral_norms(net: nn.Module) -> list[tuple[str, SpectralNorm]]:
    return [(name, module) for name, module in net.named_modules() if isinstance(module, SpectralNorm)]
