"""Does a generator copy its training images? Nearest training neighbours of fakes, against those of held-out images.

A good generator draws typical images, and typical images lie closer to the training set than held-out ones do: closeness
alone proves nothing. So what is counted first are near copies: closer to a training image than all but 1 % of the training
images are to one another, and clearly closer to that one than to any other. A shift of all distances only counts where it
is large and sure.

measure                                 amber   red    why there
near_copies, beyond the held-out share  > .02   > .10  1 % by construction, and data sets hold near duplicates themselves
median_ratio d(fake) / d(held-out)      < .85   < .7   typical, but new, images (means of 2 to 4 held-out ones) reach .73
with ct_z                               < -3    < -3   Mann-Whitney per cell of the space, arXiv:2004.05675 (data copying)
and authenticity below held-out's by    > .10   > .25  share of fakes that are further from their training neighbour than it
                                                       is from other training images, arXiv:2102.08921

Verdict: red if near copies are red in pixels, or in another space while pixels are amber; or if the shift is red in two spaces.
Amber if anything else is red, near copies are amber, or the shift is amber in two spaces. Shares must differ beyond chance
(CHANCE) for the number of *different* training images that the fakes lie next to: a generator of ten images has ten
witnesses, however often it repeats them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.near_copies import LEAST_IMAGES, TRAIN_SAMPLE, Space, in_pixels, look, mirrored, pixel_side
from gan_core.evaluation.vocabulary import severity

PAIRS, BINS = 16, 30


def copying(
    fake_images: np.ndarray,
    train_images: np.ndarray,
    held_out_images: np.ndarray,
    *,
    spaces: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    seed: int,
    on_progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Images uint8 [*, H, W, C] -> verdict, sentence, todo, and the numbers for each space, as JSON; besides three arrays.

    spaces: name -> features [*, D] of the same fakes, training and held-out images. Pixels are always looked at, mirrored too.
    "nearest" int64, "distance" float32 and "flipped" bool [n_fake] are arrays, in pixels: take them out before writing JSON.
    Raises UserError too_few_images, bad_features, and Stopped.
    """
    if min(len(fake_images), len(train_images)) < LEAST_IMAGES:
        what = f"Copies are looked for among at least {LEAST_IMAGES} generated and {LEAST_IMAGES} training images."
        raise UserError("too_few_images", what, "Sample or import more images.")
    # Without enough held-out images, training images say how near a new one would come; neighbours leave themselves out.
    stand_ins = None
    if len(held_out_images) < LEAST_IMAGES:
        stand_ins = np.sort(np.random.default_rng(seed).permutation(len(train_images))[:TRAIN_SAMPLE])
    found: dict[str, Space] = {}
    for number, name in enumerate(["pixels", *spaces]):
        if should_stop and should_stop():
            raise Stopped
        if name == "pixels":
            side = pixel_side(train_images)
            fake, train = in_pixels(fake_images, side), in_pixels(train_images, side)
            held = in_pixels(held_out_images, side) if stand_ins is None else train[stand_ins]
            mirror = mirrored(side, train_images.shape[3])
        else:
            fake, train, held = spaces[name]
            held = held if stand_ins is None else train[stand_ins]
            mirror = None
        found[name] = look(fake, train, held, stand_ins, mirror, seed, should_stop)
        if on_progress:
            on_progress((number + 1) / (1 + len(spaces)), "Looking for copies")
    verdict, sentence, todo = judge(found, len(fake_images))
    if stand_ins is not None:
        sentence = sentence.replace("held-out real images", "other training images")
    shown = found["pixels"]
    top = float(np.percentile(np.concatenate([shown.fake.distance, shown.held_out.distance]), 99.5))
    edges = np.linspace(0, top * 1.0001 or 1.0, BINS + 1)
    counts = [np.histogram(near.distance.clip(max=top), edges)[0].tolist() for near in (shown.fake, shown.held_out)]
    return {
        "verdict": verdict,
        "sentence": sentence,
        "todo": todo,
        "n_fake": len(fake_images),
        "n_train": len(train_images),
        "n_held_out": len(held_out_images),
        "beside": "held-out" if stand_ins is None else "training",  # whose distances the fakes' are set against
        "spaces": {name: space.numbers for name, space in found.items()},
        "histogram": {"space": "pixels", "edges": edges.tolist(), "fake": counts[0], "held_out": counts[1]},
        "pairs": pairs(shown),
        "nearest": shown.fake.row,
        "distance": shown.fake.distance,
        "flipped": shown.fake.flipped,
    }


def judge(found: dict[str, Space], n: int) -> tuple[str, str, str]:
    """(verdict, sentence, todo) over all spaces."""
    pixels = found["pixels"]
    todo = "Look at the closest pairs. To copy less: train for a shorter time, augment more, or import more images."
    copied = max(found.values(), key=lambda space: (severity(space.copies), space is pixels))
    confirmed = copied is pixels or pixels.copies != "ok" or pixels.shift != "ok"
    if copied.copies != "ok":
        share, usual = copied.numbers["near_copies"] or 0.0, copied.numbers["near_copies_held_out"] or 0.0
        sentence = f"{share:.0%} of the generated images are near copies of a training image"
        sentence += f"; of held-out real images {usual:.0%} are."
        return ("red" if copied.copies == "red" and confirmed else "amber"), sentence, todo
    shifts = [space for space in found.values() if space.shift != "ok"]
    if shifts:
        ratio = min(space.numbers["median_ratio"] or 1.0 for space in shifts)
        sentence = f"Generated images lie {ratio:.2f} times as far from their nearest training image as held-out real images do."
        red = sum(space.shift == "red" for space in shifts) >= 2
        if len(shifts) >= 2 or any(space.shift == "red" for space in shifts):
            return ("red" if red else "amber"), sentence, todo
    return "ok", f"No sign of copied training images among {n:,} generated ones.", ""


def pairs(space: Space) -> list[dict[str, Any]]:
    """The PAIRS closest of a fake and a training image, each training image once, so that a repeated copy hides no other."""
    usual, seen = float(np.median(space.held_out.distance)), set()
    shown: list[dict[str, Any]] = []
    for fake in np.argsort(space.fake.distance, kind="stable").tolist():
        row, distance = int(space.fake.row[fake]), float(space.fake.distance[fake])
        if row not in seen and len(shown) < PAIRS:
            seen.add(row)
            ratio = distance / usual if usual > 0 else None
            flipped = bool(space.fake.flipped[fake])
            shown.append({"fake": fake, "train": row, "distance": distance, "ratio": ratio, "flipped": flipped})
    return shown
