"""How does a dataclass read as JSON?  By a serializer made of its fields, with a decimal beside each exact fraction."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from drf_spectacular.contrib.rest_framework_dataclasses import OpenApiDataclassSerializerExtensions
from drf_spectacular.utils import extend_schema_field
from rest_framework import fields
from rest_framework_dataclasses.field_utils import TypeInfo
from rest_framework_dataclasses.fields import MappingField
from rest_framework_dataclasses.serializers import DataclassSerializer

from dashboard.facts.twins import DIGITS, twin

# Dataclass -> its name in the OpenAPI document, where that is another: names in a published document never change.
COMPONENTS = {
    "CompetitionStatisticsRow": "CompetitionStatistics",
    "FailureRow": "Failure",
    "GateRow": "Gate",
    "InForceRow": "InForce",
    "LadderRow": "Ladder",
    "LeaderRow": "Leader",
    "MatchFigures": "Figures",
    "MinerRow": "Miner",
    "PromptCountRow": "PromptCount",
    "RoundStatisticsRow": "RoundStatistics",
    "StageProgress": "Progress",
    "ViewRow": "View",
    "WeightsRow": "Weights",
}


class TwinField:
    """Reads as in the JSON of the pages: times in UTC, floats of six digits."""

    def to_representation(self, value: Any) -> Any:
        return twin(value)


class MomentField(TwinField, fields.DateTimeField):
    pass


class DecimalNumberField(TwinField, fields.FloatField):
    pass


class AnythingField(TwinField, fields.JSONField):
    pass


class DocumentField(TwinField, MappingField):
    """An object with names of its own; a fraction in it has its decimal beside it, too."""


@extend_schema_field({"type": "string", "pattern": r"^-?\d+(/\d+)?$"})
class ExactField(TwinField, fields.CharField):
    """A fraction such as `7/128`."""


class RoundedField(fields.FloatField):
    """The decimal of a fraction; left out where there is none."""

    def get_attribute(self, instance: Any) -> Any:
        value = super().get_attribute(instance)
        if not isinstance(value, Fraction):
            raise fields.SkipField
        return value

    def to_representation(self, value: Fraction) -> float:
        return round(float(value), DIGITS)


class RowSerializer(DataclassSerializer[Any]):
    """Give it `dataclass`; `names` chooses among the fields.  A field that begins with an underscore stays inside."""

    serializer_field_mapping = {
        **DataclassSerializer.serializer_field_mapping,
        Any: AnythingField,
        Fraction: ExactField,
        datetime: MomentField,
        dict: DocumentField,
        float: DecimalNumberField,
    }

    def __init__(self, *args: Any, names: set[str] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.names = names

    @property
    def serializer_dataclass_field(self) -> type[RowSerializer]:
        return RowSerializer

    def get_default_field_names(self, declared_fields: Any) -> list[str]:
        return [name for name in self.dataclass_definition.fields if not name.startswith("_")]

    def create_field(self, field_name: str, extra_kwargs: dict[str, Any]) -> fields.Field:
        shape: Any = self.dataclass_definition.dataclass_type
        about = descriptions(shape).get(field_name, "")
        return super().create_field(field_name, {**extra_kwargs, "help_text": about})

    def build_composite_field(
        self, field_name: str, type_info: TypeInfo, extra_kwargs: dict[str, Any]
    ) -> tuple[type[fields.Field], dict[str, Any]]:
        field, options = super().build_composite_field(field_name, type_info, extra_kwargs)
        length = fixed_length(self.dataclass_definition.field_types[field_name])
        return field, {**options, "min_length": length, "max_length": length} if length else options

    def get_fields(self) -> dict[str, fields.Field]:
        shown: dict[str, fields.Field] = {}
        for name, field in super().get_fields().items():
            shown[name] = field
            if isinstance(field, ExactField):
                about = f"`{name}` as a decimal number."
                shown[f"{name}_rounded"] = RoundedField(source=name, allow_null=True, help_text=about)
        return {name: field for name, field in shown.items() if self.names is None or name in self.names}


@cache
def descriptions(dataclass: type) -> dict[str, str]:
    """Field -> its sentence, from `Annotated[int, "how many"]`."""
    hints = get_type_hints(dataclass, include_extras=True)
    return {
        name: " ".join(text for text in hint.__metadata__ if isinstance(text, str))
        for name, hint in hints.items()
        if get_origin(hint) is Annotated
    }


def fixed_length(hint: Any) -> int:
    """Of a `tuple[float, float]`, which may be None; 0 where any number may be there."""
    for each in (hint, *get_args(hint)):
        if get_origin(each) is tuple and Ellipsis not in get_args(each):
            return len(get_args(each))
    return 0


@cache
def field_names(dataclass: type) -> tuple[str, ...]:
    """What `?fields=` may choose from."""
    return tuple(RowSerializer(dataclass=dataclass).fields)


class RowSchema(OpenApiDataclassSerializerExtensions):
    """All fields are always there but for `?fields=`: what is not known is null or empty, never missing."""

    target_class = "dashboard.api.serializers.RowSerializer"
    priority = 1

    def get_name(self, auto_schema: Any = None, direction: Any = None) -> str:
        name: str = self.target.dataclass_definition.dataclass_type.__name__
        return COMPONENTS.get(name, name)

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        schema.pop("required", None)
        shape = self.target.dataclass_definition.dataclass_type
        about = (shape.__doc__ or "").strip()
        if about.startswith(f"{shape.__name__}("):  # made by Python of a dataclass that says nothing of itself
            about = ""
        return {**schema, "description": about, "additionalProperties": False}
