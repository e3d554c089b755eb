"""What git's error texts mean for the user: each becomes one sentence."""

import re

from bumper.errors import BumperError, Refused, Unavailable
from bumper.git.command import GitFailed
from bumper.settings import Settings

# Git servers say the same thing in different words: somebody else pushed in the meantime.
_RACE = re.compile(
    r"fetch first|non-fast-forward|cannot lock ref|incorrect old value provided|failed to update ref|stale info"
    r"|reference already exists|remote ref updated since checkout",
    re.IGNORECASE,
)
_NO_BRANCH = re.compile(r"Remote branch (.+) not found|couldn't find remote ref (?:refs/heads/)?(.+)")
# A branch is a file and a folder of branches a folder: there cannot be bumper and bumper/x.
_IN_THE_WAY = re.compile(r"'refs/heads/([^']+)' exists; cannot create")
_REFUSED_TOKEN = re.compile(
    r"Authentication failed|HTTP Basic: Access denied|could not read Username|could not read Password"
    r"|The requested URL returned error: 40[13]|Permission denied \(|Invalid username or (password|token)",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"The requested URL returned error: 404|repository '.*' not found|could not be found|does not appear to be a git",
    re.IGNORECASE,
)
_WRONG_HOST = re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED")
_NO_PUSH_OPTIONS = re.compile(r"does not support push options")
# GitLab's push rules, and what in bumper.yaml (or in git) a commit or branch that they let pass is made with.
_PUSH_RULES = (
    (re.compile(r"Branch name .*does not follow the pattern", re.IGNORECASE), "set branch_prefix in bumper.yaml"),
    (re.compile(r"Commit message .*(does not follow|contains the forbidden)", re.IGNORECASE),
     "set commit_message in bumper.yaml"),
    (re.compile(r"(Author|Committer)('s email)? .*(does not follow|is not a member|is not a GitLab user)|"
                r"You cannot push commits for '", re.IGNORECASE), "set author in bumper.yaml"),
    (re.compile(r"Commit must be signed|unsigned commit", re.IGNORECASE),
     "have git sign: commit.gpgsign and user.signingkey"),
)  # fmt: skip
_REDIRECT = re.compile(r"unable to update url base from redirection|returned error: 30\d", re.IGNORECASE)


class PushRaceLost(Exception):
    """Somebody else pushed to the same branch first: the job is to be done again from the new tip."""


def is_race(report: str) -> bool:
    """Whether a push was refused because the branch is no longer where it was."""
    return _RACE.search(report) is not None and _IN_THE_WAY.search(report) is None


def is_gone(failure: GitFailed) -> bool:
    """Whether a branch that was to be fetched is not there."""
    return _NO_BRANCH.search(failure.stderr) is not None


def explain(failure: GitFailed, step: str, settings: Settings) -> BumperError:
    """The error to raise for a git command that failed over the network; ``step`` says what bumper was doing."""
    url, said = settings.address.url, failure.stderr
    branch = _NO_BRANCH.search(said)
    if branch is not None:
        return Refused(f"{url} has no branch {branch[1] or branch[2]!r}; mend --branch (or BUMPER_BRANCH).")
    if _REDIRECT.search(said):
        return Refused(f"{url} redirects elsewhere, where bumper sends no token; use the repository's present URL.")
    if _REFUSED_TOKEN.search(said):
        return Unavailable(f"{step} failed: {url} {_refusal(settings)}.")
    if _WRONG_HOST.search(said):
        return Unavailable(
            f"{step} failed: the host key of {url} is not the one in known_hosts, or none is there; see with its "
            "administrators that it is theirs, and put it into known_hosts."
        )
    if _NOT_FOUND.search(said):
        return Unavailable(
            f"{step} failed: {url} was not found, or the token may not see it; check BUMPER_REPO and the token."
        )
    return Unavailable(f"{step} failed: {url}: {_last_line(said, settings)}; try again.")


def _refusal(settings: Settings) -> str:
    if settings.address.over_ssh:
        return "refused the SSH key; check the key and that it may read and write the repository"
    if settings.token is None:
        return "asks for a token; set BUMPER_TOKEN to one with the scopes api and write_repository"
    return (
        f"refused the token in {settings.token.source}; check that it has not expired, its role (Developer) "
        "and its scopes (api, write_repository)"
    )


def explain_push(failure: GitFailed, branch: str, settings: Settings) -> BumperError:
    """The error for a push that was refused for another reason than a race; GitLab says why in `remote:` lines."""
    said = [line.removeprefix("remote:").strip() for line in failure.stderr.splitlines() if line.startswith("remote:")]
    told = " ".join(line for line in said if line and not set(line) <= {"=", "-"})
    in_the_way = _IN_THE_WAY.search(failure.stderr)
    if in_the_way is not None:
        return Refused(
            f"branch {in_the_way[1]} stands in the way of {branch}; delete it, or set branch_prefix in bumper.yaml."
        )
    if "declined" in failure.stdout or "declined" in failure.stderr or "GitLab:" in told:
        reason = redact(told or "a hook of the server declined it", settings).removeprefix("GitLab: ").rstrip(".")
        step = next((f"; {mend}" for rule, mend in _PUSH_RULES if rule.search(told)), "")
        return Refused(f"pushing {branch} was refused by the server: {reason}{step}.")
    if _NO_PUSH_OPTIONS.search(failure.stderr):
        return Refused(
            f"{settings.address.url} takes no push options, by which a merge request is made without GitLab's API; set "
            "BUMPER_TOKEN to a token with the scopes api and write_repository."
        )
    return explain(failure, f"pushing {branch}", settings)


def _last_line(said: str, settings: Settings) -> str:
    lines = [line.strip() for line in redact(said, settings).splitlines() if line.strip()]
    telling = (
        [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or lines or ["git said nothing"]
    )
    return re.sub(r"^(fatal|error|remote): ", "", telling[0]).rstrip(".")


def redact(text: str, settings: Settings) -> str:
    """``text`` without the token."""
    return text.replace(settings.token.value, "[token]") if settings.token is not None else text
