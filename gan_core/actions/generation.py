"""Requests for pictures to look at: some new images, a walk between two, the timelapse."""

import math

from gan_core.actions.context import Context, trained_run
from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.generation import animation
from gan_core.settings.bounds import check_seed
from gan_core.settings.families import why_no_walk
from gan_core.storage import drawn_images, run_folder
from gan_core.storage.store import Job, Run


def drawable(context: Context, run: Run) -> list[str]:
    """The classes that a run can be asked for: those of its dataset, or 'all' where it ignored labels."""
    info = dataset_folder.read_info(context.workspace.dataset(run.dataset_id))
    return info.classes if run.config["conditional"] else ["all"]


def explore(
    context: Context,
    run_id: str,
    *,
    name: str | None = None,
    seed: int = 0,
    noise_scale: float = 1.0,
    at: int | None = None,
    token: str | None = None,
) -> Job:
    """Queue a grid of new images with their nearest real ones. name: a class, None for all; at: images that the checkpoint had
    seen, None for the newest."""
    run = checked(context, run_id, [name] if name is not None else [], seed, noise_scale, at)
    payload = {"class": name, "seed": seed, "noise_scale": noise_scale, "at": at}
    return context.submit("explore", run.id, payload, token=token)


def walk(
    context: Context,
    run_id: str,
    start: tuple[str, int],
    end: tuple[str, int],
    *,
    same_noise: bool = False,
    seed: int = 0,
    noise_scale: float = 1.0,
    frames: int = drawn_images.FRAMES,
    at: int | None = None,
    token: str | None = None,
) -> Job:
    """Queue the way from one image to another, each a class and a number as in `explore` and `sample` with this seed.

    same_noise: the noise stays that of the start, and only the class changes.
    """
    run = checked(context, run_id, [start[0], end[0]], seed, noise_scale, at)
    if reason := why_no_walk(run.config["family"]):
        raise UserError("no_walk", reason, "Use a run of a GAN or of the autoencoder.")
    if min(start[1], end[1]) < 0:
        raise UserError("bad_number", "Images are numbered from 0.", "Choose 0 or more.")
    if start[0] == end[0] and (same_noise or start[1] == end[1]):
        raise UserError("no_way", "The walk starts and ends at the same image.", "Choose two images, or two classes.")
    if not drawn_images.LEAST_FRAMES <= frames <= drawn_images.MOST_FRAMES:
        raise UserError(
            "bad_frames",
            f"A walk has {drawn_images.LEAST_FRAMES} to {drawn_images.MOST_FRAMES} steps, not {frames}.",
            f"{drawn_images.FRAMES} is usual.",
        )
    ends = [{"class": name, "number": number} for name, number in (start, end)]
    payload = {"from": ends[0], "to": ends[1], "same_noise": same_noise, "seed": seed, "noise_scale": noise_scale}
    return context.submit("walk", run.id, {**payload, "frames": frames, "at": at}, token=token)


def timelapse(context: Context, run_id: str, format: str = "webp", *, token: str | None = None) -> Job:
    """Queue the grids of a run as a film. format: of films.FORMATS. Raises UserError no_av where MP4 cannot be written."""
    animation.check_format(format)
    return context.submit("timelapse", trained_run(context, run_id).id, {"format": format}, token=token)


def checked(context: Context, run_id: str, names: list[str], seed: int, noise_scale: float, at: int | None) -> Run:
    check_seed(seed)
    most = drawn_images.MOST_NOISE_SCALE
    if not (math.isfinite(noise_scale) and 0 <= noise_scale <= most):
        what = f"The noise scale must be from 0 to {most:g}, not {noise_scale:g}."
        raise UserError("bad_noise_scale", what, "1 is how the run was trained; 0.7 is safer and more alike.")
    run = trained_run(context, run_id)
    classes = drawable(context, run)
    for name in names:
        if name not in classes:
            what = f"There is no class {name!r} in this run."
            raise UserError("unknown_class", what, f"Choose one of {', '.join(classes[:20])}.")
    kept = run_folder.checkpoints(context.workspace.run(run.id))
    if at is not None and at not in kept:
        there = ", ".join(f"{seen:,}" for seen in kept)
        raise UserError(
            "no_checkpoint", f"This run has no checkpoint at {at:,} images.", f"Choose the newest, or one of {there}."
        )
    return run
