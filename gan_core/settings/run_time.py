"""How long a run takes, from its settings and a speed: the one estimate of the Train page, of `auto` and of a running run."""

from gan_core.settings.schema import TrainConfig, images_total

CPU_SPEED = {
    28: 450.0,
    32: 450.0,
    64: 10_000 / 60,
    128: 2_500 / 60,
    256: 10.0,
}  # images/s of Quick on two cores, by size
# What a training step of a GPU recipe costs for each image, in GFLOP, by size in px: 4 passes of G and 8 of D (forward and backward
# of both updates), and what the penalty adds. The passes were counted by torch.utils.flop_counter at this width; the cost grows
# with its square.
STEP_GFLOP = {
    "fastgan": (64, {64: 63.0, 128: 130.0, 256: 188.0}),
    "projected": (64, {64: 35.0, 128: 54.0, 256: 79.0}),
    "stylegan2-lite": (512, {28: 100.0, 32: 100.0, 64: 193.0, 128: 284.0, 256: 377.0}),
    "r3gan": (768, {28: 281.0, 32: 281.0, 64: 523.0, 128: 801.0, 256: 1153.0}),
}
CPU_GFLOP_PER_SECOND = 70.0  # of Quick's step on the same two cores, in bfloat16


def seconds_left(
    config: TrainConfig,
    train_images: int,
    images_per_second: float | None,
    *,
    images_seen: int = 0,
    elapsed_seconds: float = 0.0,
) -> float | None:
    """Seconds until the last epoch or the time limit ends the run; None where neither a speed nor a limit is known."""
    ends = []
    if images_per_second:
        ends.append((images_total(config, train_images) - images_seen) / images_per_second)
    if config.minutes is not None:
        ends.append(config.minutes * 60 - elapsed_seconds)
    return max(0.0, min(ends)) if ends else None


def epochs_within(minutes: float, train_images: int, images_per_second: float) -> float:
    return minutes * 60 * images_per_second / max(1, train_images)


def cpu_images_per_second(config: TrainConfig, size: int) -> float | None:
    """Roughly, of a recipe that is made for a GPU, on two CPU cores; None for other networks or sizes. size in px."""
    width, gflop = STEP_GFLOP.get(config.family, (1, {}))
    if size not in gflop:
        return None
    return CPU_GFLOP_PER_SECOND / (gflop[size] * (config.width / width) ** 2)


def speed_at(images_per_second: float, measured_size: int, size: int) -> float:
    """A speed that was measured at one image size, for another one: in proportion to the pixels. Sizes in px."""
    return images_per_second * (measured_size / size) ** 2
