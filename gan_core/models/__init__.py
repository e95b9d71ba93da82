"""FAMILIES: every pair of networks that can be trained. One family is one file; its row in families.py says what it can do.

The contract, checked for each entry by tests/test_models.py:
    Generator(spec)(z [N, z_dim], y int64 [N]) -> images [N, channels, S, S] in about [-1, 1]
    Discriminator(spec)(images, y) -> logits [N], or [N, K] where it judges K places; higher is more real
    Discriminator(spec).logits_and_auxiliary(images, y) -> (logits, side [N] or None), with auxiliary_weight_d and auxiliary_weight_g: see layers.ConditionalDiscriminator
where S = spec.size. A set without labels has num_classes = 1: there is no unconditional case. A module anywhere in them may have
at(progress), which the step calls with the share of the run that is done, in [0, 1]; what it sets are buffers. G.eval() draws
the same image for the same z and y each time, and an image that does not depend on the rest of the batch. Where a row of
families.py has no losses there is no adversary: what stands in D's place is the business of its game.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from gan_core.models import (
    cyclegan,
    dcgan,
    egan,
    fastgan,
    kmeans,
    mlp,
    progressive,
    projected,
    r3lite,
    sngan,
    stylegan2,
    vae,
)
from gan_core.models.spec import Spec
from gan_core.models.students import cgan28, dcgan28, fashion28, garbage128

__all__ = ["FAMILIES", "Family", "Spec"]


class Family(NamedTuple):
    Generator: Callable[[Spec], Any]
    Discriminator: Callable[[Spec], Any]


FAMILIES: dict[str, Family] = {
    "r3lite": Family(r3lite.Generator, r3lite.Discriminator),
    "dcgan28": Family(dcgan28.Generator, dcgan28.Discriminator),
    "sngan-projection": Family(sngan.Generator, sngan.Discriminator),
    "stylegan2-lite": Family(stylegan2.Generator, stylegan2.Discriminator),
    "progressive": Family(progressive.Generator, progressive.Discriminator),
    "mlp": Family(mlp.Generator, mlp.Discriminator),
    "dcgan": Family(dcgan.Generator, dcgan.Discriminator),
    "dcgan-sn": Family(dcgan.Generator, dcgan.PerImageDiscriminator),
    "cgan28": Family(cgan28.Generator, cgan28.Discriminator),
    "garbage128": Family(garbage128.Generator, garbage128.Discriminator),
    "fashion28": Family(fashion28.Generator, fashion28.Discriminator),
    "egan": Family(egan.Generator, egan.Discriminator),
    "vae": Family(vae.Generator, vae.Encoder),
    "cyclegan": Family(cyclegan.Generator, cyclegan.Discriminator),
    "kmeans": Family(kmeans.Generator, kmeans.NoDiscriminator),
    "fastgan": Family(fastgan.Generator, fastgan.Discriminator),
    "projected": Family(projected.Generator, projected.Discriminator),
}
