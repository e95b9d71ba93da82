"""A request: one frozen pydantic model for the form, the command line, the payload of a job and its JSON.

Each field has its default, bounds, title and help sentence. A request refuses a bad value where it is made, so that a page, a
verb and a test see the same sentence.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from gan_core.errors import FieldErrors, UserError
from gan_core.settings.field_errors import in_words, refused

LARGEST_SEED = 2**31 - 1


class Option(NamedTuple):
    """How the command line spells a field.

    name: as in '--size' or '--gate/--no-gate', '' for the name of the field, None where the field has no option. text: the
    default as text, of a field that reads its value from text itself. metavar: what stands for the value in the help.
    """

    name: str | None = ""
    text: str | None = None
    metavar: str | None = None


NO_OPTION = Option(None)


def field(default: Any, title: str, help: str = "", *, option: Option = Option(), **bounds: Any) -> Any:  # noqa: B008
    """A field with its title and help sentence. bounds: arguments of pydantic.Field (ge, le, alias, max_length, ...)."""
    return Field(default, title=title, description=help, json_schema_extra=cast(Any, {"option": option}), **bounds)


def option_of(info: FieldInfo) -> Option:
    extra = info.json_schema_extra
    found = extra.get("option") if isinstance(extra, dict) else None
    return found if isinstance(found, Option) else Option()


class Request(BaseModel):
    """Raises FieldErrors, one sentence for each refused field, where it is made of values that it cannot take."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        loc_by_alias=False,
    )
    # What a payload without this key meant, where that is not the default of today.
    OLDER: ClassVar[dict[str, Any]] = {}

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise FieldErrors(refusals(type(self), error)) from None

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        """The request of a job, also of one that an older Ganvas has queued: keys of today that it lacks, and other keys."""
        known = {info.alias or name for name, info in cls.model_fields.items()}
        return cls(**cls.OLDER | {key: value for key, value in payload.items() if key in known})

    def payload(self) -> dict[str, Any]:
        """The JSON values that `from_payload` takes."""
        return self.model_dump(mode="json", by_alias=True)

    def replace(self, **values: Any) -> Self:
        """The same request with some other values, checked like any."""
        return type(self)(**{name: getattr(self, name) for name in type(self).model_fields} | values)


def refusals(model: type[Request], error: ValidationError) -> dict[str, str]:
    """One sentence for each refused field."""
    found: dict[str, str] = {}
    for one in error.errors():
        name = str(one["loc"][0])
        if name in found:  # none of the types that the field may have
            found[name] = f"{model.model_fields[name].title} ({name}) cannot be {in_words(one['input'])}."
        else:
            found[name] = refused(model, name, dict(one))
    return found


Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]


def read_checkpoint(value: Any) -> Any:
    """'newest', '120000' or '' -> 'newest', a number, or None. Raises UserError no_checkpoint."""
    if not isinstance(value, str) or value == "newest":
        return value
    if not value.strip():
        return None
    try:
        return int(value.replace(",", ""))
    except ValueError:
        what = f"{value!r} is no checkpoint."
        raise UserError(
            "no_checkpoint", what, "Give newest, or the number of images that a checkpoint had seen."
        ) from None


Checkpoint = Annotated[int | Literal["newest"] | None, BeforeValidator(read_checkpoint)]


def checkpoint_field() -> Any:
    """The field `at` of a request that draws images of a run. None: the best checkpoint, the newest where none is marked."""
    return field(
        None,
        "Checkpoint",
        "Empty: the best checkpoint by the checks while training, or the newest where none is marked. Otherwise newest, or the "
        "images that a checkpoint had seen: a run keeps its newest three and the best.",
        option=Option(text="", metavar="newest|IMAGES_SEEN"),
    )
