"""The networks of E-GAN (Wang et al., arXiv:1803.00657): those of DCGAN, but G has no batch norm.

Spec.width is the number of channels at S/2 px, as in dcgan.py. Departs from the paper as dcgan.py does.
"""

from torch import nn

from gan_core.models import dcgan
from gan_core.models.dcgan import Discriminator
from gan_core.models.spec import Spec

__all__ = ["Discriminator", "Generator"]


class Generator(dcgan.Generator):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__(spec)
        self.norms = nn.ModuleList(nn.Identity() for _ in self.norms)
        nn.init.normal_(self.stem.weight, std=self.stem.in_channels**-0.5)
        for up in self.ups.modules():
            if isinstance(
                up, nn.ConvTranspose2d
            ):  # four kernel values for an output pixel: keeps the variance without a norm
                nn.init.normal_(up.weight, std=(2 * up.in_channels) ** -0.5)
