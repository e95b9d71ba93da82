"""The token of a workspace: it is in the link that lets a browser in, and the signatures of cookies and links come from it.

It is kept in the file `token` of the workspace, so that bookmarks and open tabs outlive a restart of the server.
"""

import contextlib
import functools
import hashlib
import hmac
import json
import os
import re
import secrets
import time
from pathlib import Path
from typing import Literal

from gan_core.storage.workspace import Workspace

VARIABLE, OFF = "GANVAS_TOKEN", "off"
FILE = "token"
LEAST_LETTERS = 16
FORM = re.compile(rf"[\x21-\x7e]{{{LEAST_LETTERS},200}}")
COOKIE_SECONDS = 30 * 24 * 3600
Role = Literal["teacher", "pupil"]  # outside a class room everybody with the token is a teacher


def is_off() -> bool:
    """Whether $GANVAS_TOKEN is `off`: whoever reaches the port comes in."""
    return os.environ.get(VARIABLE) == OFF


def of(workspace: Workspace) -> str:
    """$GANVAS_TOKEN where it is set, else the token of the workspace, which the first call makes."""
    own = os.environ.get(VARIABLE, "")
    return own if own and own != OFF else kept(workspace.root)


@functools.cache
def kept(root: Path) -> str:
    """The token in the file. In a workspace that cannot be written it lasts as long as the process."""
    path, new = root / FILE, secrets.token_urlsafe(32)
    for _ in range(2):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if FORM.fullmatch(found := path.read_text().strip()):
                return found
        with contextlib.suppress(OSError):
            temporary = root / f"{FILE}.tmp-{os.getpid()}-{secrets.token_hex(4)}"
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(new)
            if path.exists():  # damaged
                temporary.replace(path)
            else:
                with contextlib.suppress(FileExistsError):  # another server was first: its token counts
                    os.link(temporary, path)
                temporary.unlink()
    return new


def same(given: str, token: str) -> bool:
    """Whether the two are equal, in a time that does not tell how far."""
    return hmac.compare_digest(given.encode(), token.encode())


def signature(token: str, purpose: str, *parts: str | int) -> str:
    """HMAC-SHA256 of the parts, in hex. A signature for one purpose holds for no other."""
    message = json.dumps([purpose, *parts]).encode()
    return hmac.new(token.encode(), message, hashlib.sha256).hexdigest()


def of_pupils(token: str) -> str:
    """The token in the pupils' link. It follows from the teacher's, and the teacher's does not follow from it."""
    return signature(token, "pupils")[:32]


def cookie_name(token: str) -> str:
    """Cookies do not differ by port: the name keeps those of two workspaces apart."""
    return f"ganvas_{hashlib.sha256(token.encode()).hexdigest()[:8]}"


def new_cookie(token: str, role: Role = "teacher") -> str:
    until = int(time.time()) + COOKIE_SECONDS
    return f"{until}.{signature(token, f'cookie of a {role}', until)}"


def is_cookie(value: str, token: str, role: Role = "teacher") -> bool:
    """Whether a server of this workspace gave such a visitor this cookie, less than COOKIE_SECONDS ago."""
    until, _, signed = value.partition(".")
    return (
        bool(re.fullmatch("[0-9]{1,12}", until))
        and int(until) > time.time()
        and same(signed, signature(token, f"cookie of a {role}", int(until)))
    )
