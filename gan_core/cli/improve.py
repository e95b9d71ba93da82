"""The verb improve: find what helps a classifier, with the training of a generator before it where there is none."""

import sys

from gan_core.actions.context import Context
from gan_core.actions.improve import prepare, submit
from gan_core.cli.common import Json, carry_out, context, say
from gan_core.cli.datasets import print_notes
from gan_core.cli.lookup import AnyId
from gan_core.cli.options import with_options
from gan_core.requests import ImproveRequest
from gan_core.storage.store import Job


@with_options()
def improve(source: AnyId, request: ImproveRequest, as_json: Json = False) -> None:
    """Find what helps a classifier: no synthetic images, or which ones and how to use them. A kill costs one arm at most."""
    here = context()
    prepared, training = prepare(here, source, request)
    print_notes(list(prepared.notes))
    if training is not None:
        train(here, training)
    result = carry_out(submit(here, source, prepared, after=training.id if training else None))
    say(as_json, result, str(result.get("sentence", "")))


def train(here: Context, training: Job) -> None:
    """The training before the search, which goes on without it where it fails. Ends the program where it was stopped."""
    try:
        state = carry_out(training)["state"]
    except SystemExit:  # the reason is said
        state = here.store.job(training.id).state
    if state == "failed":
        print("ganvas: The search goes on without images of a GAN.", file=sys.stderr)
    elif state != "finished":
        print("ganvas: The training was stopped, so the search did not begin. Start it again.", file=sys.stderr)
        raise SystemExit(1)
