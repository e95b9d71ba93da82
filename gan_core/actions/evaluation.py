"""Requests to a trained run: measure it, ask whether it helps, draw from it, export."""

import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from gan_core.actions.context import Context, trained_run
from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.export import plan
from gan_core.export.fill.classical import Policy
from gan_core.export.quality_filter import CHECKS, checked_checks
from gan_core.settings.bounds import check_seed, check_strength
from gan_core.storage import run_folder
from gan_core.storage.file_checks import exists
from gan_core.storage.store import Job, Run
from gan_core.storage.workspace import atomic_write, new_id

MOST_SAMPLES, MOST_DRAWS = 100_000, 20  # of one measurement
EXTRACTORS = ("auto", "inception-v3", "efficientnet-lite0", "referee")
LEAST_SEEDS, MOST_SEEDS, MOST_UPDATES = 5, 50, 100_000  # classifiers for each arm of `utility`, and their steps
SHARES, MOST_SHARES = (0.25, 0.5, 1.0, 2.0), 8  # synthetic images for each real one of the largest class, swept over


def evaluate(
    context: Context,
    run_id: str,
    *,
    samples: int = 1000,
    draws: int = 5,
    extractor: str = "auto",
    weights: str = "",
    against: str = "train",
    seed: int = 0,
    at: int | None = None,
    token: str | None = None,
) -> Job:
    """Queue the scores of a run: `draws` independent draws of `samples` images, whose spread gives the intervals.

    at: images that the checkpoint had seen, None for the newest. weights: a file with Inception-v3 weights, '' to look in the
    usual places.
    """
    check_seed(seed)
    if not 1 <= draws <= MOST_DRAWS:
        raise UserError("bad_draws", f"Scores need 1 to {MOST_DRAWS} draws, not {draws}.", "5 is usual.")
    if not 2 <= samples <= MOST_SAMPLES:
        raise UserError("bad_samples", f"Scores need 2 to {MOST_SAMPLES:,} samples.", "1,000 or more is usual.")
    if extractor not in EXTRACTORS:
        raise UserError(
            "unknown_extractor", f"There is no extractor {extractor!r}.", f"Choose one of {', '.join(EXTRACTORS)}."
        )
    if against not in ("train", "test"):
        raise UserError(
            "bad_against", f"Scores compare with 'train' or 'test', not {against!r}.", "Choose one of the two."
        )
    if weights and extractor in ("efficientnet-lite0", "referee"):
        raise UserError(
            "unused_weights",
            f"The extractor {extractor} has its own weights.",
            "Leave the weights file out, or choose inception-v3.",
        )
    if weights and not exists(weights):
        raise UserError(
            "no_such_path", f"There is no weights file {weights!r} on this computer.", "Check the path and try again."
        )
    payload = {
        "samples": samples,
        "draws": draws,
        "extractor": extractor,
        "against": against,
        "seed": seed,
        "at": at,
        "weights": str(Path(weights).expanduser().absolute()) if weights else "",
    }
    run = trained_run(context, run_id)
    kept = run_folder.checkpoints(context.workspace.run(run.id))
    if at is not None and at not in kept:
        there = ", ".join(f"{seen:,}" for seen in kept)
        raise UserError(
            "no_checkpoint", f"This run has no checkpoint at {at:,} images.", f"Choose the newest, or one of {there}."
        )
    return context.submit("evaluate", run.id, payload, token=token)


def utility(
    context: Context,
    run_id: str,
    *,
    seeds: int = 5,
    shots: int | None = None,
    updates: int = 300,
    seed: int = 0,
    shares: Iterable[float] = SHARES,
    methods: dict[str, float] | None = None,
    policy: Policy | None = None,
    token: str | None = None,
) -> Job:
    """Queue the question whether the synthetic images help a classifier.

    shots: at most so many real images a class; updates: steps of training, the same for each classifier; shares: swept over,
    beside the share of 1 that the verdict is about. methods, policy: how
    the synthetic images are made, as in `export`.
    """
    check_seed(seed)
    run = trained_run(context, run_id)
    info = dataset_folder.read_info(context.workspace.dataset(run.dataset_id))
    if not LEAST_SEEDS <= seeds <= MOST_SEEDS:
        what = f"A comparison needs {LEAST_SEEDS} to {MOST_SEEDS} seeds, not {seeds}."
        raise UserError("bad_seeds", what, "Fewer say more of luck than of the images.")
    if shots is not None and shots < 1:
        raise UserError("bad_shots", "At least one real image a class is needed.", "Leave it out to use all of them.")
    if not 1 <= updates <= MOST_UPDATES:
        raise UserError("bad_updates", f"A classifier takes 1 to {MOST_UPDATES:,} updates.", "300 is usual.")
    if len(info.classes) < 2:
        raise UserError(
            "one_class", "This dataset has one class, so there is nothing to classify.", "Import one with more classes."
        )
    shares = sorted(set(shares))
    if len(shares) > MOST_SHARES or not all(0 < share <= 100 for share in shares):
        raise UserError(
            "bad_share",
            "Synthetic shares must be above 0 and at most 100.",
            f"Give at most {MOST_SHARES}, as in 0.5,1,2.",
        )
    methods = plan.checked_methods({"gan": 1.0} if methods is None else methods)
    if "gan" in methods and not run.config["conditional"]:
        raise UserError(
            "ignored_labels",
            "This run ignored the labels, so its images cannot train a classifier.",
            "Train a run with 'Use the class labels' on.",
        )
    if not any(info.test_counts):
        raise UserError(
            "no_test_images", "This dataset has no held-out images to test on.", "Import it again with a test share."
        )
    payload = {"seeds": seeds, "shots": shots, "updates": updates, "seed": seed, "shares": shares, "methods": methods}
    return context.submit("utility", run.id, payload | {"policy": (policy or Policy())._asdict()}, token=token)


def detect(context: Context, run_id: str, folder: str, *, token: str | None = None) -> Job:
    """Queue the scoring of a folder of images as real or generated by this run. Needs a measurement of the run."""
    run = context.store.run(run_id)
    if not folder.strip() or not exists(folder) or not Path(folder).expanduser().is_dir():
        raise UserError(
            "no_such_path", f"There is no folder {folder!r} on this computer.", "Check the path and try again."
        )
    if not sorted((context.workspace.run(run.id) / "evaluations").glob("*/detector.npz")):
        raise UserError("no_detector", "This run has no detector yet.", "Measure the run first: that trains it.")
    return context.submit("detect", run.id, {"folder": str(Path(folder).expanduser().absolute())}, token=token)


def variants(
    context: Context, run_id: str, name: str, strength: float = 0.3, *, seed: int = 0, token: str | None = None
) -> Job:
    """Queue a sheet of real images of the class `name` fused with noise. strength 0: none of it, 1: nothing else."""
    check_seed(seed)
    check_strength(strength)
    run = trained_run(context, run_id)
    classes = dataset_folder.read_info(context.workspace.dataset(run.dataset_id)).classes
    if name not in (classes if run.config["conditional"] else ["all"]):
        raise UserError("unknown_class", f"There is no class {name!r} in this run.", "Pick one from the list.")
    return context.submit("variants", run.id, {"class": name, "strength": strength, "seed": seed}, token=token)


def export(
    context: Context,
    source: str,
    balance: str | int | dict[str, int],
    *,
    originals: bool = True,
    seed: int = 0,
    gate: bool = True,
    checks: Iterable[str] = tuple(CHECKS),
    removed: dict[str, list[int]] | None = None,
    methods: dict[str, float] | None = None,
    policy: Policy | None = None,
    format: str = "png",
    side: int | None = None,
    layout: str = "auto",
    unpad: bool = False,
    token: str | None = None,
) -> Job:
    """Queue a balanced zip. balance: 'largest', 'median', a total per class, or totals. The job's subject is the export's id.

    source: a run, or a dataset, for which no image can be drawn. methods: weights by way to make images (plan.METHODS), by
    default all from the run; policy: what a changed copy may change. format: of plan.FORMATS; side: px to resize pictures to;
    layout: of plan.LAYOUTS; unpad: cut off what the import padded.

    gate: the export is refused where the images turn out to be copies of training images, and near copies are left out. checks:
    of gate.CHECKS, what a drawn image is left out for; removed: numbers of drawn images, by class, that a person left out.
    """
    check_seed(seed)
    checks = tuple(check for check in checked_checks(checks) if gate or check != "copy")
    if layout not in plan.LAYOUTS:
        raise UserError("bad_layout", f"There is no layout {layout!r}.", f"Choose one of {', '.join(plan.LAYOUTS)}.")
    if format not in plan.FORMATS:
        raise UserError("bad_format", f"There is no format {format!r}.", f"Choose one of {', '.join(plan.FORMATS)}.")
    if side is not None and not plan.SMALLEST_SIDE <= side <= plan.LARGEST_SIDE:
        raise UserError(
            "bad_size",
            f"Pictures of {side} px are not written.",
            f"Choose {plan.SMALLEST_SIDE} to {plan.LARGEST_SIDE}, or leave it out for the size of the dataset.",
        )
    run = None if source.startswith("d") else context.store.run(source)
    dataset_id = context.store.dataset(source).id if run is None else run.dataset_id
    methods = plan.checked_methods({"classical" if run is None else "gan": 1.0} if methods is None else methods)
    info = dataset_folder.read_info(context.workspace.dataset(dataset_id))
    if unpad and info.fit != "pad":
        raise UserError("not_padded", "This dataset was not padded to squares.", "Leave --unpad out.")
    counts = dict(zip(info.classes, info.train_counts, strict=True))
    shares, _ = plan.shares(
        plan.deficits(counts, balance, originals), counts, methods
    )  # refuses what cannot be planned
    drawn = any(share.get("gan") for share in shares.values())
    if drawn and run is None:
        raise UserError(
            "no_run", "A dataset alone draws no images.", "Choose a run of it, or changed copies (--method classical)."
        )
    if drawn and run is not None:
        check_labels_used(context, trained_run(context, run.id))
    return context.submit(
        "export",
        new_id("export"),
        {
            "run": run.id if run else None,
            "dataset": dataset_id,
            "methods": methods,
            "policy": (policy or Policy())._asdict(),
            "format": format,
            "side": side,
            "balance": balance,
            "originals": originals,
            "seed": seed,
            "gate": gate,
            "checks": list(checks),
            "removed": removed or {},
            "layout": layout,
            "unpad": unpad,
        },
        token=token,
    )


def preview(
    context: Context,
    run_id: str,
    *,
    seed: int = 0,
    checks: Iterable[str] = tuple(CHECKS),
    token: str | None = None,
) -> Job:
    """Queue a look at the first images of each class that an export of the same seed and checks would keep, and refuse."""
    check_seed(seed)
    run = trained_run(context, run_id)
    check_labels_used(context, run)
    return context.submit("preview", run.id, {"seed": seed, "checks": list(checked_checks(checks))}, token=token)


def check_labels_used(context: Context, run: Run) -> None:
    info = dataset_folder.read_info(context.workspace.dataset(run.dataset_id))
    if not run.config["conditional"] and len(info.classes) > 1:
        raise UserError(
            "ignored_labels",
            "This run ignored the labels, so it cannot draw images of one class.",
            "Train a run with 'Use the class labels' on.",
        )


def export_model(context: Context, run_id: str, *, token: str | None = None) -> Job:
    """Queue the zip of a run's generator itself. The job's subject is an export's id."""
    return context.submit("export_model", new_id("export"), {"run": trained_run(context, run_id).id}, token=token)


def parse_balance(context: Context, source: str, text: str) -> str | int | dict[str, int]:
    """'largest', '500' or 'kiwi=300,owl=200' -> what `export` takes. source: a run or a dataset."""
    dataset_id = context.store.dataset(source).id if source.startswith("d") else context.store.run(source).dataset_id
    info = dataset_folder.read_info(context.workspace.dataset(dataset_id))
    return plan.parse_balance(text, info.classes)


def copy_export(context: Context, export_id: str, file: str, out: Path, members: dict[str, Path] | None = None) -> None:
    """The finished zip, or some of its members, to where the user wants it, each whole or not at all."""
    path = context.workspace.export(export_id) / file
    for name, place in (members or {}).items():
        with zipfile.ZipFile(path) as archive, archive.open(name) as member:
            copy_to(member, place)
    if members:
        return
    with open(path, "rb") as source:
        copy_to(source, out)


def copy_to(source: IO[bytes], place: Path) -> None:
    atomic_write(place.absolute(), lambda target: shutil.copyfileobj(source, target, 1 << 20))
