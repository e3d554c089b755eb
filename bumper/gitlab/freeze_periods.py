"""The deploy freeze periods of the GitOps project. GitLab shows them to Reporters and above."""

from dataclasses import dataclass

from bumper.gitlab.connection import GitLab, translated


@dataclass(frozen=True, slots=True)
class GitLabFreeze:
    """A period between two cron expressions, in a time zone by its IANA name or by the one that Rails gives it."""

    start: str
    end: str
    timezone: str


def read_freeze_periods(gitlab: GitLab) -> list[GitLabFreeze]:
    """All of them."""
    with translated(gitlab, "reading the deploy freeze periods"):
        path = f"/projects/{gitlab.project.encoded_id}/freeze_periods"
        found = gitlab.project.manager.gitlab.http_list(path, get_all=True)
        return [GitLabFreeze(one["freeze_start"], one["freeze_end"], one["cron_timezone"] or "UTC") for one in found]
