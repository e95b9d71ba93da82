"""FAMILIES: every pair of networks that can be trained. One family is one file; settings/families.py says what it can do.

The contract, checked for each entry by tests/models/test_contract.py:
    Generator(spec)(z [N, z_dim], y int64 [N]) -> images [N, channels, S, S] in about [-1, 1]
    Discriminator(spec)(images, y) -> logits [N], or [N, K] for K image patches; higher is more real
    Discriminator(spec).logits_and_auxiliary(images, y) -> (logits, auxiliary loss [N] or None), with the attributes
        auxiliary_weight_d and auxiliary_weight_g: see layers.ConditionalDiscriminator
where S = spec.size. A dataset without labels has num_classes = 1, so every network is conditional. Any module of a network may have
a method at(progress) -> (index of a size, whether it fades in): the step calls it with the share of the run that is done, in
[0, 1], and it may set buffers. G.eval() draws the same image for the same z and y each time, independent of the rest of the batch.
A family whose row in families.py has no losses has no discriminator: its training step decides what the second network is.
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
    r3gan,
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
    "r3gan": Family(r3gan.Generator, r3gan.Discriminator),
}
