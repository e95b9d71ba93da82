"""How long a run takes, from its settings and a speed: the one estimate of the Train page, of `auto` and of a running run."""

from gan_core.settings.schema import TrainConfig, images_total

CPU_SPEED = {
    28: 450.0,
    32: 450.0,
    64: 10_000 / 60,
    128: 2_500 / 60,
    256: 10.0,
}  # images/s of Quick on two cores, by size


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


def speed_at(images_per_second: float, measured_size: int, size: int) -> float:
    """A speed that was measured at one image size, for another one: in proportion to the pixels. Sizes in px."""
    return images_per_second * (measured_size / size) ** 2
