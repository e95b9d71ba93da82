"""The verb improve: find what helps a classifier, with the training of a generator before it where there is none."""

import sys

from gan_core.actions.improve import prepare, submit
from gan_core.cli.common import Json, carry_out, context, say
from gan_core.cli.datasets import print_notes
from gan_core.cli.lookup import AnyId
from gan_core.cli.options import with_options
from gan_core.requests import ImproveRequest


@with_options()
def improve(source: AnyId, request: ImproveRequest, as_json: Json = False) -> None:
    """Find what helps a classifier: no synthetic images, or which ones and how to use them. A kill costs one arm at most."""
    here = context()
    prepared, training = prepare(here, source, request)
    print_notes(list(prepared.notes))
    if training is not None:
        trained = carry_out(training)
        if trained["state"] != "finished":
            print("ganvas: The training was stopped, so the search did not begin. Start it again.", file=sys.stderr)
            raise SystemExit(1)
    result = carry_out(submit(here, source, prepared))
    say(as_json, result, str(result.get("sentence", "")))
