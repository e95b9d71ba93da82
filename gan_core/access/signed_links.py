"""Links to downloads: for one file and one user, and only for a few minutes."""

import re
import time
from collections.abc import Mapping
from urllib.parse import quote

from gan_core.access import token

LASTS_SECONDS = 300


def sign(path: str, user: str, secret: str) -> str:
    """The address of a download. path: without escapes; user: who may use it; secret: the token of the workspace."""
    until = int(time.time()) + LASTS_SECONDS
    return f"{quote(path)}?until={until}&sig={token.signature(secret, 'link', path, user, until)}"


def holds(path: str, user: str, query: Mapping[str, str], secret: str) -> bool:
    """Whether `query` of a request for `path` was signed for this user and is not over."""
    until = query.get("until", "")
    return (
        bool(re.fullmatch("[0-9]{1,12}", until))
        and int(until) > time.time()
        and token.same(query.get("sig", ""), token.signature(secret, "link", path, user, int(until)))
    )
