"""What the functions of this package are given: real images in three splits, and how a long computation reports its progress."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gan_core.errors import Stopped


class Labeled(NamedTuple):
    """images uint8 [N, H, W, C], perhaps a memory map; labels int64 [N]."""

    images: np.ndarray
    labels: np.ndarray


class RealImages(NamedTuple):
    """The splits of a dataset; labels index classes, validation and test may be empty."""

    train: Labeled
    validation: Labeled
    test: Labeled
    classes: list[str]


@dataclass(frozen=True)
class Progress:
    """report(share from 0 to 1, message) tells how far a computation is; it ends with Stopped once should_stop() is true."""

    report: Callable[[float, str], None] = lambda share, message: None
    should_stop: Callable[[], bool] = lambda: False

    def __call__(self, share: float, message: str = "") -> None:
        """Report. Raises Stopped."""
        self.check()
        self.report(share, message)

    def check(self) -> None:
        """Raises Stopped where that is asked for."""
        if self.should_stop():
            raise Stopped

    def part(self, start: float, end: float, message: str = "") -> "Progress":
        """For a step that takes this from one share to another. message: in the place of the step's own."""
        report = lambda share, said: self.report(start + share * (end - start), message or said)
        return replace(self, report=report)
