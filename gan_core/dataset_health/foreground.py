"""The object of an image, apart from its background: by color where the border is plain, else by GrabCut.

GrabCut: Rother, Kolmogorov and Blake, SIGGRAPH 2004, as OpenCV has it. The border is given as background, and GrabCut
finds what differs; an image in which that is next to nothing, or nearly all, has no object that can be cut out.
"""

import numpy as np

WORKING_PIXELS = 128  # small images are enlarged for the cut: GrabCut wants some pixels to learn colors from
FRAME = 0.04  # share of the side that counts as border
PLAIN = 18.0  # levels by which a plain border may vary about its color, for nine pixels in ten
LEAST, MOST = 0.03, 0.9  # share of an image that an object may take
ROUNDS = 4
EDGE = 2  # px


def alpha(image: np.ndarray) -> np.ndarray | None:
    """uint8 [H, W, C] -> float32 [H, W], 1 on the object and 0 beside it, soft by about a pixel; None where there is none."""
    import cv2

    side = image.shape[0]
    color = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else np.ascontiguousarray(image)
    if side < WORKING_PIXELS:
        color = cv2.resize(color, (WORKING_PIXELS, WORKING_PIXELS), interpolation=cv2.INTER_CUBIC)
    mask = by_color(color)
    if mask is None:
        mask = by_grabcut(color)
    mask = largest(mask)
    if not LEAST <= mask.mean() <= MOST:
        return None
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), max(0.5, 0.6 * color.shape[0] / side))
    if color.shape[0] != side:
        soft = cv2.resize(soft, (side, side), interpolation=cv2.INTER_AREA)
    return soft.clip(0, 1)


def border(shape: tuple[int, ...]) -> np.ndarray:
    """bool [H, W]: the frame of an image."""
    inside = np.ones(shape[:2], bool)
    width = max(1, round(FRAME * shape[0]))
    inside[width:-width, width:-width] = False
    return inside


def by_color(image: np.ndarray) -> np.ndarray | None:
    """bool [H, W]: what differs from the color of a plain border; None where the border is not plain."""
    import cv2

    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    frame = border(image.shape)
    apart = np.linalg.norm(lab - np.median(lab[frame], axis=0), axis=2)
    if np.percentile(apart[frame], 90) > PLAIN:
        return None
    line, _ = cv2.threshold(apart.clip(0, 255).astype(np.uint8), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return apart > np.clip(line, PLAIN, 2 * PLAIN)


def by_grabcut(image: np.ndarray) -> np.ndarray:
    """bool [H, W]."""
    import cv2

    cv2.setRNGSeed(0)
    mask = np.full(image.shape[:2], cv2.GC_PR_FGD, np.uint8)
    mask[border(image.shape)] = cv2.GC_BGD
    models = np.zeros((1, 65)), np.zeros((1, 65))
    unused = (0, 0, 1, 1)  # the rectangle: the mask says it all
    cv2.grabCut(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), mask, unused, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    return (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)


def largest(mask: np.ndarray) -> np.ndarray:
    """Without specks: pieces of at least a tenth of the largest one, their holes filled."""
    from scipy import ndimage

    pieces, count = ndimage.label(ndimage.binary_opening(mask, iterations=1))
    if not count:
        return np.zeros_like(mask)
    sizes = np.bincount(pieces.ravel())[1:]
    return ndimage.binary_fill_holes(np.isin(pieces, 1 + np.flatnonzero(sizes >= 0.1 * sizes.max())))


def background(image: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """uint8 [H, W, C]: the image with its object painted over from around it (Telea, 2004)."""
    import cv2

    if mask is None:
        return image
    hole = cv2.dilate((mask > 0.05).astype(np.uint8), np.ones((3, 3), np.uint8))
    painted = cv2.inpaint(
        np.ascontiguousarray(image if image.shape[2] == 3 else image[..., 0]), hole, 3, cv2.INPAINT_TELEA
    )
    return painted.reshape(image.shape)


def without_seam(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 [H, W, C]: the colors of the object reach a little past its edge, so that no seam of its old background shows."""
    import cv2

    sure = (mask > 0.95).astype(np.uint8)
    edge = cv2.dilate(sure, np.ones((3, 3), np.uint8), iterations=EDGE) - sure
    return background(image, edge.astype(np.float32))


def on_color(image: np.ndarray, mask: np.ndarray, color: np.ndarray) -> np.ndarray:
    """uint8 [H, W, C]: the object alone on a flat ground. mask float32 [H, W] of `alpha`; color [C], levels."""
    share = mask[..., None]
    return np.rint(share * without_seam(image, mask) + (1 - share) * color).astype(np.uint8)
