"""The verb `lab`: train a toy GAN of points on the command line."""

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from gan_core.cli import progress
from gan_core.cli.output import check_out, writes
from gan_core.errors import UserError
from gan_core.learn import toy as toys
from gan_core.learn.data import REACH, SHAPES, source
from gan_core.learn.losses import LOSSES
from gan_core.learn.settings import Settings
from gan_core.settings import bounds
from gan_core.storage.workspace import atomic_write
from gan_core.text import duration, no_such


@writes
def lab(
    toy: Annotated[str, typer.Option(help="gaussians (25 on a grid), ring (8) or moons.")] = "gaussians",
    loss: Annotated[str, typer.Option(help="As in a recipe: relativistic, nonsaturating, ...")] = "relativistic",
    gamma: Annotated[float, typer.Option(help="Strength of R1 + R2; 0 for none.")] = toys.GAMMA,
    steps: Annotated[int, typer.Option(min=1, max=1_000_000)] = 10_000,
    seconds: Annotated[float | None, typer.Option(min=0, help="Stop after so much training.")] = None,
    seed: int = 0,
    out: Annotated[Path | None, typer.Option(help="The points at the end: a .png, or a .json with D's field.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
) -> None:
    """A toy GAN of points in the plane: how many of its known modes does it find?"""
    bounds.check_seed(seed)
    if toy not in toys.TOYS:
        raise UserError("unknown_toy", no_such("toy", toy, toys.TOYS), f"Choose one of {', '.join(toys.TOYS)}.")
    if loss not in LOSSES:
        raise UserError("unknown_loss", no_such("loss", loss, LOSSES), f"Choose one of {', '.join(LOSSES)}.")
    if not 0 <= gamma <= 10_000:  # NaN too
        raise UserError("bad_gamma", f"The penalty cannot have the strength {gamma}.", "Choose 0 to 10,000.")
    if out is not None:
        if out.suffix not in (".png", ".json"):
            raise UserError("bad_out", f"{str(out)!r} is neither .png nor .json.", "Name the file so.")
        check_out(out)
    shape = toys.TOYS[toy]
    settings = Settings(shape=shape, loss=loss, lr_d=toys.RATE, lr_g=toys.RATE, gamma=gamma, seed=seed)
    first = None
    for tick in toys.play(settings, steps=steps, seconds=math.inf if seconds is None else seconds):
        if first is None and tick.recovered:
            first = tick.seconds
        if not as_json:
            share = max(tick.step / steps, tick.seconds / seconds if seconds else 0)
            left = progress.time_left(min(share, 1), tick.seconds)
            further = f"  about {duration(left)} left" if left else ""
            print(f"step {tick.step:>6,}  {tick.seconds:5.1f} s  {in_words(tick)}{further}", flush=True)
    value: dict[str, Any] = {
        **{"toy": toy, "loss": loss, "gamma": gamma, "seed": seed, "steps": tick.step, "seconds": tick.seconds},
        **{"recovered_after_seconds": first, "d_real": tick.d_real, "d_fake": tick.d_fake, **tick.modes},
    }
    if out is not None and out.suffix == ".png":
        atomic_write(out, lambda file: toys.picture(source(shape), tick).save(file, "PNG"))
    elif out is not None:
        shown = value | {"points": tick.points.tolist(), "field": tick.field.tolist(), "reach": REACH}
        atomic_write(out, lambda file: file.write(json.dumps(shown).encode()))
    print(json.dumps(value) if as_json else f"{SHAPES[shape].title}: {in_words(tick)}.")


def in_words(tick: toys.Tick) -> str:
    modes = tick.modes
    kl = "" if modes["kl"] is None else f", KL {modes['kl']:.2f} nats"
    return (
        f"{modes['found']} of {modes['of']} modes found, {modes['learnt']} of them learnt, "
        f"{modes['quality']:.0%} of the points on one{kl}"
    )
