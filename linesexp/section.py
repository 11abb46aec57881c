"""Section: a group of settings that checks itself."""

from functools import cache
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import msgspec

from linesexp.errors import ConfigError
from linesexp.wording import shown, what_is_expected


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of settings. Building one checks every value, from code as from a file.

    records: fields that nobody sets: what came out of reading something, kept beside the settings.
    """

    records: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for field in fields(type(self)):
            value = getattr(self, field.name)
            try:
                # A list becomes a tuple here, so that equal settings are equal.
                checked = msgspec.convert(value, field.type, from_attributes=True)
                msgspec.structs.force_setattr(self, field.name, checked)
            except msgspec.ValidationError as error:
                reason = what_is_expected(str(error), choices(type(self), field.name))
                raise ConfigError(f"{field.name} = {shown(value)}: {reason}") from None
        self.check()

    def check(self) -> None:
        """Raise ConfigError where single values are fine but do not go together."""


def choices(section: type[Section], name: str) -> tuple[str, ...]:
    """The words that a setting accepts; empty for a setting that takes numbers."""
    kind = field_types(section)[name]
    return get_args(kind) if get_origin(kind) is Literal else ()


@cache
def fields(section: type[Section]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """All fields in their order. Kept, because reading the types of a section's fields takes a while."""
    return msgspec.structs.fields(section)


def settable(section: type[Section]) -> list[msgspec.structs.FieldInfo]:
    """The fields that a user may set, in their order."""
    return [field for field in fields(section) if field.name not in section.records]


@cache
def field_types(section: type[Section]) -> dict[str, Any]:
    """Type of each setting, without what Annotated adds."""
    return get_type_hints(section)
