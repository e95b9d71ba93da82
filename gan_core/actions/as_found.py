"""An export that follows what the search `improve` found: the images, and how many of each class."""

from gan_core.actions.context import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.errors import UserError
from gan_core.evaluation.utility import found as found_file
from gan_core.evaluation.utility.found import Found
from gan_core.evaluation.utility.protocol import Arm, rare_classes
from gan_core.export.plan import NOTHING, Balance
from gan_core.requests import ExportRequest
from gan_core.storage import checkpoints
from gan_core.storage.store import Run

METHODS = {"gan": "gan", "copies": "classical", "pasted": "composite"}  # way of the search -> method of an export


def as_found(context: Context, request: ExportRequest, info: DatasetInfo) -> ExportRequest:
    """The request with the balance, methods, run, checkpoint and seed of what was found, and with that itself.

    request: with its dataset. Raises UserError nothing_found.
    """
    found = answer(context, request)
    if found is None:
        raise UserError(
            "nothing_found",
            "It has not been searched what helps a classifier of this dataset.",
            "Run improve first, or choose balance and methods yourself.",
        )
    arm = exportable(found)
    balance, methods = balance_of(arm, found, info), methods_of(arm, found)
    request = request.replace(balance=balance, methods=methods, seed=found.seed, found=found.to_json())
    if "gan" not in methods:
        return request
    run = found.run or request.run
    kept = checkpoints.of_run(context.workspace.run(run)) if run else []
    at = found.images_seen if found.images_seen in kept else request.at
    return request.replace(run=run, at=at)


def answer(context: Context, request: ExportRequest) -> Found | None:
    """What was found for the run of a request, else for its dataset; None where nothing was."""
    run = context.workspace.run(request.run) if request.run else None
    return found_file.of(run, context.workspace.dataset(request.dataset or ""))


def run_of_answer(context: Context, request: ExportRequest) -> Run | None:
    """The run that draws the images that were found to help. Raises UserError nothing_found where it is not there any more."""
    try:
        return context.store.run(request.run) if request.run else None
    except UserError:
        raise UserError(
            "nothing_found",
            "The run whose images were found to help is not there any more.",
            "Bring it back (undelete), run improve again, or choose balance and methods yourself.",
        ) from None


def exportable(found: Found) -> Arm:
    """What an export can follow of what was found: no synthetic images where there is no method that makes them."""
    arm = found.usable
    made = all(way in METHODS for way in arm.way.split("+"))
    return arm if arm.use is not None and made else Arm(baseline=arm.baseline)


def methods_of(arm: Arm, found: Found) -> dict[str, float]:
    """Weights by method: as many images of each way as the search had."""
    if arm.use is None:
        return {"classical": 1.0}
    return {METHODS[way]: float(sum(found.made[way].values())) for way in arm.way.split("+")}


def balance_of(arm: Arm, found: Found, info: DatasetInfo) -> Balance:
    """Beside the real images of each class as many synthetic ones as the search had; or the fill that it found."""
    if arm.use is None:
        return NOTHING
    if arm.use.fill:
        return "largest"
    real = dict(zip(info.classes, info.train_counts, strict=True))
    shown = rare_classes(info.train_counts) if arm.use.classes == "rare" else [count > 0 for count in info.train_counts]
    made = {name: sum(found.made[way].get(name, 0) for way in arm.way.split("+")) for name in info.classes}
    return {
        name: real[name] + made[name] for name, some in zip(info.classes, shown, strict=True) if some and made[name]
    }
