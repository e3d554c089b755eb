"""The commit by which a merge request came to the target branch, and whether it brought what was asked for.

By the merge method that is a merge commit, a squash commit or the branch's own commit; where GitLab rebases before it
merges, the branch's commit has become another one, which only its trailers tell.
"""

from collections.abc import Iterable

from bumper.environments.gather import pins_of_version
from bumper.environments.repository import Target
from bumper.errors import NotDeployed
from bumper.git.checkout import at_commit, read_files, refreshed
from bumper.git.log import newest_commits
from bumper.git.past_commits import fetch_commits
from bumper.gitlab.merge_requests import MergeRequest
from bumper.records.record import COMMAND_TRAILER
from bumper.values.change import Change, Version
from bumper.values.pin import format_path


def landed_commit(target: Target, merged: MergeRequest, message: str) -> str:
    """The target branch's commit that a merged merge request made of a commit with ``message``."""
    if merged.merged_as is not None:
        return merged.merged_as
    now = refreshed(target.checkout)
    commits = newest_commits(now)
    if merged.sha in {commit.id for commit in commits}:
        return str(merged.sha)
    wanted = _trailers(message)
    return next((commit.id for commit in commits if _trailers(commit.message) == wanted), now.tip)


def _trailers(message: str) -> list[str]:
    last = message.rstrip("\n").rpartition("\n\n")[2].splitlines()
    return last if any(line.startswith(f"{COMMAND_TRAILER}: ") for line in last) else [message]


def require_content(target: Target, commit: str, changes: Iterable[Change], url: str) -> None:
    """Check that ``commit`` holds what ``changes`` asked for: the files count, not what a description says of them.

    Raises:
        NotDeployed: it holds something else.

    """
    fetch_commits(target.checkout, [commit])
    landed = at_commit(target.checkout, commit)
    wanted = list(changes)
    contents = read_files(landed, {change.file for change in wanted if change.file in landed.entries})
    for change in wanted:
        if change.file not in contents or change.after not in _held(target, change, contents[change.file]):
            raise NotDeployed(
                f"{url} was merged with other content than this request's: {change.file}: {change.path} is not at "
                f"{change.after}",
                "look at its commits",
            )


def _held(target: Target, change: Change, content: bytes) -> set[Version]:
    """What the pin at the change's place holds in a version of its file; without a digest, with any."""
    pins = pins_of_version(target.environment, target.setup.config, change.file, content, target.gathered.values)
    found = [one.pin for one in pins if format_path(one.pin.path) == change.path]
    held = {Version(pin.tag, pin.digest) for pin in found}
    return held | {Version(pin.tag, change.after.digest) for pin in found if pin.digest is None}
