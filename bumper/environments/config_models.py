"""What bumper.yaml says: its keys, each with the description that an editor shows, and the defaults."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, field_validator, model_validator

from bumper.environments import config_values as kinds
from bumper.errors import Refused

CONFIG_FILE = "bumper.yaml"
_TIMEOUT = 1.0  # seconds for one tag: an expression like (a+)+ takes longer than anybody waits


def _without_null(schema: dict[str, Any]) -> None:
    """Leave null out of the choices and the defaults: an absent key is allowed, an empty one is not."""
    for key in schema.get("properties", {}).values():
        choices = key.get("anyOf", [])
        if {"type": "null"} in choices:
            del key["anyOf"], key["default"]
            left = [choice for choice in choices if choice != {"type": "null"}]
            key.update(left[0] if len(left) == 1 else {"anyOf": left})


class _Keys(BaseModel):
    # Built as it is imported, while the clone goes on, and not when the clone is there and waits for it.
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_without_null)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_empty(cls, value: object) -> object:
        """A key without a value is a line half written, above all where the key restricts something."""
        if value is None:
            raise ValueError("is empty; give it a value or remove the line")
        return value


class ArgoCd(_Keys):
    """Where Argo CD says what runs in an environment; the token is ARGOCD_AUTH_TOKEN."""

    server: kinds.Server = Field(description="Argo CD's address.", examples=["https://argocd.example.com"])
    application: kinds.OneOrMany[kinds.Application] = Field(
        description="The Argo CD application, or a list of them; {app} stands for bumper's application.",
        examples=["{app}-staging"],
    )
    project: kinds.Text | None = Field(
        default=None,
        description="The project of these applications in Argo CD, which then tells a missing application from one "
        "that the token may not see.",
    )


class FreezePeriod(_Keys):
    """A time in which nothing is deployed: every week, or once."""

    from_: kinds.Moment = Field(
        alias="from",
        description="When it begins: a day of the week and a time, or a date and a time.",
        examples=["Fri 17:00", "2026-12-28 18:00"],
    )
    to: kinds.Moment = Field(
        description="When it ends, written like its beginning.", examples=["Mon 09:00", "2027-01-10 09:00"]
    )
    timezone: kinds.Timezone = Field(description="The time zone of both, by its IANA name.", examples=["Europe/Moscow"])

    @model_validator(mode="after")
    def _refuse_another_order(self) -> Self:
        first, last = kinds.parse_moment(self.from_), kinds.parse_moment(self.to)
        if type(first) is not type(last):
            what = f"goes from {self.from_!r} to {self.to!r}"
            raise ValueError(f"{what}; write a day of the week for both, or a date for both")
        if first == last or (isinstance(first, datetime) and isinstance(last, datetime) and last < first):
            raise ValueError(f"ends at {self.to}, which is not after its beginning, {self.from_}")
        return self


# The periods that bumper.yaml lists; none of its own where it says gitlab.
FreezePeriods = Annotated[
    tuple[FreezePeriod, ...],
    BeforeValidator(
        kinds.read_freeze,
        json_schema_input_type=Literal["gitlab"] | Annotated[list[FreezePeriod], Field(min_length=1)],
    ),
]


class EnvironmentConfig(_Keys):
    """An environment: which files make it, and what may enter it and how."""

    values: kinds.OneOrMany[kinds.PathPattern] = Field(
        default=(),
        description="Path pattern of the values files, or a list in Helm's order (a later file wins), instead of "
        "the one at the top. {app} names the application (without it the repository's name); * stays within a path "
        "segment, ** spans any number of them.",
        examples=["apps/{app}/envs/staging/values.yaml"],
    )
    base: kinds.OneOrMany[kinds.PathPattern] = Field(
        default=(),
        description="Path pattern, or a list, of values files with lower precedence, instead of the one at the "
        "top; read, never written.",
        examples=["apps/{app}/values.yaml"],
    )
    at: kinds.At | None = Field(
        default=None,
        description="The section of its files that is the environment's, where others share them; pins are looked for "
        "below it only. {app} in it is the application, or, where no path names one, every key there.",
        examples=["prod", "environments.prod", "{app}"],
    )
    delivery: kinds.Delivery | None = Field(
        default=None,
        description="merge-request (no option overrides it once it is written here), or commit to push straight to "
        "the branch. By default merge-request.",
    )
    auto_merge: StrictBool = Field(default=False, description="Let GitLab merge as soon as all checks pass.")
    argocd: ArgoCd | None = Field(default=None, description="The Argo CD that deploys it.")
    promote_from: kinds.Some[kinds.EnvironmentName] | None = Field(
        default=None,
        description="The only environments to promote from; a bump straight to this one is then refused.",
        examples=[["staging"]],
    )
    tags: kinds.Tags | None = Field(
        default=None,
        description="Regular expression (Python's, with ASCII digits) that a whole tag must match to enter.",
        examples=[r"v?\d+\.\d+\.\d+|[0-9a-f]{40}"],
    )
    require_healthy: StrictBool = Field(
        default=False,
        description="Promote here only what Argo CD reports healthy in the source environment, running the tag that "
        "its values say.",
    )
    soak: kinds.Duration | None = Field(
        default=None,
        description="Promote here only what has been in the source environment for so long since it landed there, in "
        "seconds or as 30m, 2h, 1d.",
        examples=["2h"],
    )
    freeze: FreezePeriods | None = Field(
        default=None,
        description="When nothing is bumped or promoted here (rollbacks are): gitlab for the deploy freeze periods of "
        "the GitOps project, or a list of periods.",
        examples=["gitlab"],
    )
    steady: kinds.Duration | None = Field(
        default=None,
        description="With --wait-deployed: how long it has to stay healthy after that, in seconds or as 90s, 15m, 2h.",
        examples=["15m"],
    )
    rollback_on_failure: StrictBool = Field(
        default=False,
        description="With --wait-deployed: roll back by itself what Argo CD reports Degraded or could not sync.",
    )
    digests: StrictBool = Field(
        default=False, description="Write the digest beside the tag too; an image whose digest is unknown is refused."
    )
    labels: tuple[kinds.Label, ...] = Field(
        default=(), description="Labels of the merge requests.", examples=[["deploy", "prod"]]
    )
    reviewers: tuple[kinds.User, ...] = Field(
        default=(), description="User names of the merge requests' reviewers.", examples=[["alice"]]
    )

    @property
    def has_rules(self) -> bool:
        """Whether anything is kept from entering this environment."""
        return bool(self.promote_from or self.tags or self.digests or self.soak) or self.freeze is not None

    @property
    def chooses_images(self) -> bool:
        """Whether something decides which images may run in this environment."""
        return self.promote_from is not None or self.tags is not None or self.digests

    def admits(self, tag: str) -> bool:
        """Whether ``tags`` matches a tag as a whole, or is not there; Refused if it needs too long to tell."""
        try:
            return self.tags is None or bool(kinds.compile_expression(self.tags).fullmatch(tag, timeout=_TIMEOUT))
        except TimeoutError as error:
            raise Refused(
                f"the expression {self.tags!r} (tags in bumper.yaml) needs more than {_TIMEOUT:.0f} s to match {tag!r}",
                "write it without a repetition inside a repetition",
            ) from error


class PinnedImage(_Keys):
    """The image at a path in the values, whatever is read there otherwise."""

    image: kinds.OneOrMany[kinds.Image] = Field(
        description="The image, without a tag, or a list of images that share one tag; {app} is the application.",
        examples=["registry.example.com/backend/worker", "registry.example.com/shop/{app}"],
    )
    path: kinds.Path = Field(
        description="Where its tag is in the values, below the environment's `at`.",
        examples=["worker.image.tag", "jobs[0].tag", 'a["b.c"].tag'],
    )
    apps: kinds.Some[kinds.Text] | None = Field(
        default=None, description="Only in these applications; by default in all."
    )
    environments: kinds.Some[kinds.EnvironmentName] | None = Field(
        default=None, description="Only in these environments; by default in all."
    )


class RegistryConfig(_Keys):
    """How to reach a registry."""

    insecure: StrictBool = Field(default=False, description="Ask it over plain HTTP.")


class Config(_Keys):
    """Settings of bumper, at the root of the GitOps repository; every key may be left out."""

    values: kinds.OneOrMany[kinds.PathPattern] = Field(
        default=(),
        description="Path pattern, or a list in Helm's order, of the values files of all environments: {env} is the "
        "environment's name (a path segment or a part of one), {app} the application's. Without any `values` the usual "
        "layouts are read.",
        examples=["apps/{app}/envs/{env}/values.yaml"],
    )
    base: kinds.OneOrMany[kinds.PathPattern] = Field(
        default=(),
        description="Path pattern, or a list, of values files with lower precedence, for all environments; read, never "
        "written.",
        examples=["apps/{app}/values.yaml"],
    )
    exclude: kinds.OneOrMany[kinds.ExcludedPath] = Field(
        default=(),
        description="Path pattern, or a list, of files that belong to no environment.",
        examples=[["apps/_template/**"]],
    )
    registry: kinds.RegistryPrefix | None = Field(
        default=None,
        description="The registry of repositories that name no host, in Docker Hub's place.",
        examples=["registry.example.com"],
    )
    environments: Mapping[kinds.EnvironmentName, EnvironmentConfig] = Field(
        default_factory=dict,
        min_length=1,
        description="The environments by name, in the order in which they are shown. With {env} in `values` at the top "
        "those that are found are environments, and these are their rules.",
    )
    images: tuple[PinnedImage, ...] = Field(
        default=(), description="Images by their path, where the values name no repository or another."
    )
    same_as: tuple[Annotated[tuple[kinds.RegistryPrefix, ...], Field(min_length=2)], ...] = Field(
        default=(),
        description="Lists of registries that hold the same images: promotion matches across them.",
        examples=[[["registry.example.com/dev", "registry.example.com/prod"]]],
    )
    ignore: tuple[kinds.IgnoredImage, ...] = Field(
        default=(),
        description="Globs of the images that are left alone, without tags.",
        examples=[["docker.io/library/redis"]],
    )
    registries: Mapping[kinds.Host, RegistryConfig] = Field(
        default_factory=dict,
        description="Settings of registries, by host or host:port.",
        examples=[{"registry.internal:5000": {"insecure": True}}],
    )
    bots: tuple[kinds.User, ...] = Field(
        default=(),
        description="GitLab users whose merge requests count as bumper's own, besides this token's user and the "
        "access tokens of this project and its groups.",
        examples=[["release-bot"]],
    )
    branch_prefix: kinds.BranchPrefix = Field(
        default="bumper/", description="What the names of the branches start with.", examples=["bumper/"]
    )
    commit_message: kinds.CommitMessage = Field(
        default=kinds.DEFAULT_MESSAGE,
        description="First line of the commit messages; {default} stands for what bumper would write.",
        examples=["{default} [OPS-1]"],
    )
    author: kinds.Author | None = Field(
        default=None, description="Author of the commits.", examples=["bumper <bumper@example.com>"]
    )

    @property
    def insecure_registries(self) -> frozenset[str]:
        """The hosts that are asked over plain HTTP."""
        return frozenset(host for host, settings in self.registries.items() if settings.insecure)

    def rules_of(self, environment: str) -> EnvironmentConfig:
        """What it says of an environment, or the defaults."""
        return self.environments.get(environment) or EnvironmentConfig()
