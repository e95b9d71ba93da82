"""The verb that prints the link of the running server."""

from gan_core.access import address
from gan_core.cli.common import Call, Json, say


def link(as_json: Json = False) -> None:
    """Print the link, with its token, that opens the running app in a browser."""
    found = address.of_running(Call.workspace)
    pupils = f"\nFor pupils: {found['pupils']}" if "pupils" in found else ""
    say(as_json, dict(found), found["link"] + pupils)
