"""The verb that prints the link of the running server."""

from gan_core.access import address
from gan_core.cli.common import Call, Json, say


def link(as_json: Json = False) -> None:
    """Print the link, with its token, that opens the running app in a browser."""
    found = address.of_running(Call.workspace)
    say(as_json, {"link": found}, found)
