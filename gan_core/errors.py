"""The one exception that a page or the command line prints."""


class UserError(Exception):
    """A request that cannot be carried out, told to the person who made it.

    code: stable snake_case name, for tests and scripts. what: one sentence, what is wrong. todo: one sentence, the next
    step. Anything else that is raised is a bug and keeps its traceback.
    """

    def __init__(self, code: str, what: str, todo: str):
        super().__init__(code, what, todo)
        self.code, self.what, self.todo = code, what, todo

    def __str__(self) -> str:
        return f"{self.what} {self.todo}"


class FieldErrors(UserError):
    """Settings that were refused, field by field. fields: {field name: one sentence}."""

    def __init__(self, fields: dict[str, str]):
        super().__init__("bad_settings", " ".join(fields.values()), "Change the named settings and try again.")
        self.fields = fields

    def __reduce__(self):
        return type(self), (self.fields,)


class Stopped(Exception):
    """The user asked a job to stop. Raised by a handler that has cleaned up; never shown."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a CPU or a GPU; without torch, whose own errors are told by their message."""
    message = str(error).lower()
    words = ("out of memory", "can't allocate memory", "defaultcpuallocator")
    return isinstance(error, MemoryError) or any(word in message for word in words)
