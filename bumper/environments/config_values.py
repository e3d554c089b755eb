"""The kinds of values in bumper.yaml, each with its check and its JSON Schema."""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from bumper.clock import DURATION, parse_duration
from bumper.environments import config_checks as checks

Delivery: TypeAlias = Literal["merge-request", "commit"]


def _as_list(value: object) -> object:
    """One text stands for a list of one."""
    return [value] if isinstance(value, str) else value


OneOrMany = BeforeValidator(_as_list, json_schema_input_type=str | Annotated[list[str], Field(min_length=1)])

Text = Annotated[str, AfterValidator(checks.check_text)]
EnvironmentName = Annotated[str, AfterValidator(checks.check_environment)]
PathPattern = Annotated[str, AfterValidator(checks.check_path_pattern)]
PathPatterns = Annotated[tuple[PathPattern, ...], Field(min_length=1), OneOrMany]
ExcludedPaths = Annotated[
    tuple[Annotated[str, AfterValidator(checks.check_excluded_paths)], ...], Field(min_length=1), OneOrMany
]
Application = Annotated[str, AfterValidator(checks.check_application)]
Tags = Annotated[str, AfterValidator(checks.check_tags)]
Label = Annotated[str, AfterValidator(checks.check_label)]
User = Annotated[str, AfterValidator(checks.check_user)]
Image = Annotated[str, AfterValidator(checks.check_image)]
Images = Annotated[tuple[Image, ...], Field(min_length=1), OneOrMany]
IgnoredImage = Annotated[str, AfterValidator(checks.check_ignored_image)]
Host = Annotated[str, AfterValidator(checks.check_host)]
RegistryPrefix = Annotated[str, AfterValidator(checks.check_registry_prefix)]
Duration = Annotated[
    float,
    BeforeValidator(
        parse_duration,
        json_schema_input_type=Annotated[float, Field(ge=0)] | Annotated[str, Field(pattern=f"^{DURATION}$")],
    ),
]
SameRegistries = Annotated[tuple[RegistryPrefix, ...], Field(min_length=2)]
