"""A CPU's stand-in for a CUDA graph: what a step dispatches is recorded, refused where a graph could not hold it, and repeated.

A CUDA graph repeats kernels with the addresses and numbers of the time of its capture. `capture` does the same with operations
below autograd: each one is repeated with the same tensors and numbers, and its results go into the tensors of the first time.
"""

import contextlib

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# What waits for the device, or has a size that depends on values.
WAITS = {
    *("_local_scalar_dense", "item", "nonzero", "masked_select", "unique_dim", "_unique2", "unique_consecutive"),
    *("bincount", "is_nonzero", "equal", "_assert_async", "histc"),
}
MADE_ON_HOST = {"lift_fresh", "lift", "_pin_memory"}
UNDISPATCHED = ("tolist", "numpy", "cpu", "__array__")


class Refused(AssertionError):
    """A step did what a CUDA graph cannot repeat."""


class Recorder(TorchDispatchMode):
    """calls: (operation, arguments, results) in order; words: the same as text, with shapes for tensors."""

    def __init__(self):
        super().__init__()
        self.calls, self.words = [], []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if func.namespace == "profiler":
            return func(*args, **kwargs)
        if name in WAITS:
            raise Refused(f"{func} waits for the device")
        if name in MADE_ON_HOST:
            raise Refused(f"{func} makes a tensor from values of the host")
        if name in ("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index", "_unsafe_index_put"):
            indices = [index for index in args[1] if index is not None]
            if any(index.dtype in (torch.bool, torch.uint8) for index in indices):
                raise Refused(f"{func} with a mask has a size that depends on values")
        if name == "repeat_interleave" and kwargs.get("output_size") is None and isinstance(args[-1], torch.Tensor):
            raise Refused(f"{func} has a size that depends on values")
        out = func(*args, **kwargs)
        self.calls.append((func, args, kwargs, out))
        self.words.append(f"{func} {describe(args)} {describe(kwargs)} -> {describe(out)}")
        return out


def describe(value):
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    if isinstance(value, dict):
        return str({key: describe(one) for key, one in value.items() if not isinstance(one, torch.Generator)})
    return "[" + ", ".join(map(describe, value)) + "]" if isinstance(value, list | tuple) else repr(value)


@contextlib.contextmanager
def no_questions():
    """Inside, a tensor is not asked for its values by ways that are not dispatched."""

    def refuse(name):
        def asked(self, *args, **kwargs):
            raise Refused(f"Tensor.{name} waits for the device")

        return asked

    kept = {name: torch.Tensor.__dict__.get(name) for name in UNDISPATCHED}
    for name in kept:
        setattr(torch.Tensor, name, refuse(name))
    made = torch.from_numpy, torch.as_tensor
    torch.from_numpy = torch.as_tensor = lambda *_, **__: (_ for _ in ()).throw(Refused("a tensor from host values"))
    try:
        yield
    finally:
        torch.from_numpy, torch.as_tensor = made
        for name, original in kept.items():
            delattr(torch.Tensor, name) if original is None else setattr(torch.Tensor, name, original)


def recorded(work):
    """(what was recorded, the results) of work()."""
    recorder = Recorder()
    with no_questions(), recorder:
        results = work()
    return recorder, results


def capture(work, pool=None):
    """As cuda_graph.capture_and_replay: (what repeats work, the results of this time)."""
    recorder, results = recorded(work)

    def replay():
        with torch.no_grad():
            for func, args, kwargs, out in recorder.calls:
                fill(out, func(*args, **kwargs))
        return results

    return replay, results


def fill(old, new):
    """Put new results into the tensors of the first time, unless they share memory with arguments, and so are there already."""
    if isinstance(old, torch.Tensor):
        if old is not new and old.data_ptr() != new.data_ptr():
            old.copy_(new)
    elif isinstance(old, list | tuple):
        for one, other in zip(old, new, strict=True):
            fill(one, other)
