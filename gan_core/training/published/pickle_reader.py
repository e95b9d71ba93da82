"""Read the tensors of a pickle without running anything that it names.

The published checkpoints of StyleGAN2-ADA and R3GAN are pickles of whole networks, with their source code. A pickle can call any
function while it is loaded. Here every class and function that it names becomes an inert record of what it was given; only the
functions that put a tensor together are replaced by our own, and the bytes of a storage go through torch's reader of tensors
(weights_only).
"""

import io
import math
import pickle
from collections import OrderedDict
from typing import Any, BinaryIO

import torch

DEEPEST = 50  # modules within modules


class Inert:
    """Stands for an object of a class, or the result of a function, that is not run: what it was given, and no behaviour.

    name: 'module.class'. parts: the arguments. state: what the object's attributes would be.
    """

    name = ""

    def __new__(cls, *parts: Any, **named: Any) -> "Inert":
        record = super().__new__(cls)
        record.parts, record.state, record.items = parts, named, {}
        return record

    def __init__(self, *parts: Any, **named: Any) -> None:
        self.parts: tuple[Any, ...]
        self.state: Any
        self.items: dict[Any, Any]

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items[key] = value

    def append(self, value: Any) -> None:
        self.items[len(self.items)] = value

    def extend(self, values: Any) -> None:
        for value in values:
            self.append(value)


def storage_of(content: bytes) -> Any:
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def tensor_of(storage: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> torch.Tensor:
    """A tensor of its own memory. Raises ValueError where it would lie outside the storage."""
    bytes_, empty = storage._untyped_storage, torch.empty(0, dtype=storage.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    most = max(last + 1, math.prod(size)) if 0 not in size else 0  # a stride of 0 would make much of little
    if min((offset, *size, *stride)) < 0 or most * empty.itemsize > bytes_.nbytes():
        raise ValueError("a tensor lies outside its storage")
    return empty.set_(bytes_, offset, size, stride).clone()


def bytes_of(text: str, encoding: str) -> bytes:
    """Protocol 2 writes bytes as text."""
    if encoding != "latin1":
        raise ValueError("bytes are written as latin1")
    return text.encode("latin1")


def parameter_of(tensor: torch.Tensor, *_: Any) -> torch.Tensor:
    return tensor


KNOWN: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "_codecs.encode": bytes_of,
    "torch.Size": tuple,
    "torch.storage._load_from_bytes": storage_of,
    "torch._utils._rebuild_tensor_v2": tensor_of,
    "torch._utils._rebuild_parameter": parameter_of,
}


class InertUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        return KNOWN.get(full) or type("Inert", (Inert,), {"name": full})


def read(file: BinaryIO) -> Any:
    """The content of a pickle, with Inert where it names anything but tensors and plain values. Raises what pickle raises."""
    return InertUnpickler(file).load()


def state_dict_of(module: Any, depth: int = 0) -> dict[str, torch.Tensor]:
    """The tensors of a recorded torch.nn.Module by their names in its state dict. Raises ValueError where it is none."""
    fields = fields_of(module)
    if depth > DEEPEST or not isinstance(fields.get("_modules"), dict):
        raise ValueError("this is no network")
    found = {
        str(name): tensor
        for kind in ("_parameters", "_buffers")
        for name, tensor in (fields.get(kind) or {}).items()
        if isinstance(tensor, torch.Tensor)
    }
    for name, child in fields["_modules"].items():
        if child is not None:
            found |= {f"{name}.{rest}": tensor for rest, tensor in state_dict_of(child, depth + 1).items()}
    return found


def fields_of(module: Any) -> dict[str, Any]:
    """The attributes of a recorded module. NVIDIA's persistence keeps them, beside the source code, in one argument."""
    if not isinstance(module, Inert):
        return {}
    if isinstance(module.state, dict) and "_modules" in module.state:
        return module.state
    about = plain(module.parts[0]) if module.parts else {}
    return plain(about.get("state"))


def plain(value: Any) -> dict[str, Any]:
    """A dict, or the items of a recorded subclass of one."""
    return value if isinstance(value, dict) else value.items if isinstance(value, Inert) else {}
