"""Make the options of the command line from the request types, so that no verb lists them by hand.

A parameter of a verb that is annotated with a Request becomes an option for each of its fields; the verb gets the request. A
parameter `Annotated[dict, Given(model, names)]` becomes options without defaults; the verb gets a dict of those that were typed.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gan_core.requests.base import Request, option_of


class Given(NamedTuple):
    """Options for the fields `names` of a model, or for all of them where none is named."""

    model: type[BaseModel]
    names: tuple[str, ...] = ()


def with_options(*, without: tuple[str, ...] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """without: fields that are no options of this verb."""

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(verb, include_extras=True)
        hints.pop("return", None)
        parameters: list[inspect.Parameter] = []
        models: dict[str, type[BaseModel] | Given] = {}
        for name, parameter in inspect.signature(verb).parameters.items():
            source = source_of(hints[name])
            if source is None:
                parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))
            else:
                models[name] = source
                parameters += options(source, without)

        @functools.wraps(verb)
        def run(**values: Any) -> None:
            built = {name: read(source, values) for name, source in models.items()}
            verb(**{name: value for name, value in values.items() if name in hints}, **built)

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def source_of(hint: Any) -> type[Request] | Given | None:
    if isinstance(hint, type) and issubclass(hint, Request):
        return hint
    return next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Given)), None)


def fields(source: type[BaseModel] | Given) -> Iterator[tuple[str, FieldInfo]]:
    """The fields that are options."""
    model, names = source if isinstance(source, Given) else (source, ())
    for name, info in model.model_fields.items():
        if name in names if names else option_of(info).name is not None:
            yield name, info


def options(source: type[BaseModel] | Given, without: tuple[str, ...] = ()) -> Iterator[inspect.Parameter]:
    for name, info in fields(source):
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            nested = info.annotation
            yield from options(Given(nested) if isinstance(source, Given) else nested, without)
        elif name not in without:
            yield option(name, info, given=isinstance(source, Given))


def option(name: str, info: FieldInfo, given: bool) -> inspect.Parameter:
    spelled = option_of(info)
    kind = str if spelled.text is not None else plain_type(info.annotation)
    default = info.default if spelled.text is None else spelled.text
    if given:
        kind, default = kind if kind is None else kind | None, None
    named = (spelled.name,) if spelled.name else ()
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if info.is_required() and not given else default,
        annotation=Annotated[kind, typer.Option(*named, help=info.description or None, metavar=spelled.metavar)],
    )


def plain_type(annotation: Any) -> Any:
    """What the command line reads for a field: the words of a Literal are text, which the request itself refuses."""
    return type(get_args(annotation)[0]) if get_origin(annotation) is Literal else annotation


def read(source: type[BaseModel] | Given, values: dict[str, Any]) -> Any:
    """The request, or for a Given the values that were given."""
    found: dict[str, Any] = {}
    for name, info in fields(source):
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found[name] = read(Given(info.annotation), values)
        elif values.get(name) is not None:
            found[name] = values[name]
    if isinstance(source, Given):
        return {name: value for name, value in found.items() if value != {}}
    return source(**found)
