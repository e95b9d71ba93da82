"""Several images as one picture."""

import io

import numpy as np
import pytest
from PIL import Image

from gan_core.views import image_sheet


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_shows_every_image_at_its_place(channels):
    images = np.stack([np.full((28, 28, channels), 30 * at, np.uint8) for at in range(5)])
    sheet = image_sheet.sheet(images, 2)
    assert sheet.size == (2 * 56 + 2, 3 * 56 + 2 * 2)  # 28 px are shown at 56
    seen = [sheet.getpixel((58 * (at % 2) + 20, 58 * (at // 2) + 20)) for at in range(5)]
    assert seen == [(30 * at,) * 3 + (255,) for at in range(5)]
    assert sheet.getpixel((57, 20))[3] == 0 and sheet.getpixel((100, 150))[3] == 0  # gap, and a place without an image
    read = Image.open(io.BytesIO(image_sheet.png(sheet)))
    assert read.format == "PNG" and read.size == sheet.size
