"""What git's error texts mean for the user: each becomes one sentence, which begins with the server's own."""

import contextlib
import re
from collections.abc import Iterator

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
# What GnuTLS and OpenSSL, by either of which git is built, write where the server answers in plain HTTP.
_NO_TLS = re.compile(r"unexpected TLS packet|wrong version number|packet length too long|unknown protocol|record layer")
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
# What git adds to every failure of a connection, after the line in which it (or ssh, or the server) names the cause.
_WITHOUT_A_CAUSE = re.compile(
    r"Could not read from remote repository|Please make sure you have the correct access rights"
    r"|and the repository exists|the remote end hung up unexpectedly|Cloning into |failed to push some refs|^To |^hint:"
    r"|shell request failed|^Connection to .* closed by remote host",
    re.IGNORECASE,
)
_REMOTE = re.compile(r"^remote:\s*(?:ERROR:|GitLab:|error:)?\s*", re.IGNORECASE)
_CAUSE = re.compile(r"^(?:fatal|error|remote):\s*(?:unable to access '[^']*': )?")
_RULER = frozenset("=-")
_PASSING_REFUSAL = re.compile(r"temporarily read-only|read-only GitLab instance|maintenance", re.IGNORECASE)
_REDIRECT = re.compile(r"unable to update url base from redirection|returned error: 30\d", re.IGNORECASE)


class PushRaceLost(Exception):
    """Somebody else pushed to the same branch first: the job is to be done again from the new tip."""


def is_race(report: str) -> bool:
    """Whether a push was refused because the branch is no longer where it was."""
    return _RACE.search(report) is not None and _IN_THE_WAY.search(report) is None


def is_gone(failure: GitFailed) -> bool:
    """Whether a branch that was to be fetched is not there."""
    return _NO_BRANCH.search(failure.stderr) is not None


@contextlib.contextmanager
def explained(step: str, settings: Settings) -> Iterator[None]:
    """Git's failure as the error to raise for it; ``step`` says what bumper was doing over the network."""
    try:
        yield
    except GitFailed as failure:
        raise explain(failure, step, settings) from failure


def explain(failure: GitFailed, step: str, settings: Settings) -> BumperError:
    """The error to raise for a git command that failed over the network; ``step`` says what bumper was doing."""
    url, stderr = settings.address.url, failure.stderr
    branch = _NO_BRANCH.search(stderr)
    if branch is not None:
        return Refused(f"{url} has no branch {branch[1] or branch[2]!r}", "check --branch (or BUMPER_BRANCH)")
    if _REDIRECT.search(stderr):
        return Refused(
            f"{url} redirects to another address, which does not get the token", "use the repository's current URL"
        )
    return _explain_refusal(stderr, step, settings)


def _explain_refusal(stderr: str, step: str, settings: Settings) -> Unavailable:
    """What the server, or something on the way to it, refuses."""
    url, sentence = settings.address.url, _servers_sentence(stderr, settings)
    failed = f"{step} failed: {sentence}: {url}" if sentence else f"{step} failed: {url}"
    if _PASSING_REFUSAL.search(sentence):
        return Unavailable(f"{failed} accepts nothing at the moment", "run it again later")
    if _NOT_FOUND.search(stderr):
        return Unavailable(
            f"{failed} was not found, or the token may not see it", "check BUMPER_REPO and what the token may see"
        )
    if _REFUSED_TOKEN.search(stderr) or (sentence and settings.address.over_ssh):
        return _refused(failed, settings)
    if _WRONG_HOST.search(stderr):
        return Unavailable(
            f"{failed} shows a host key that is not the one in known_hosts, or none is there",
            "ask its administrators whether it is theirs, and put it into known_hosts",
        )
    if _NO_TLS.search(stderr):
        return Unavailable(
            f"{step} failed: {url} does not speak HTTPS", "check the port, or write http:// if that is meant"
        )
    return Unavailable(f"{step} failed: {url}: {sentence or _cause(stderr, settings)}", "try again")


def _refused(failed: str, settings: Settings) -> Unavailable:
    if settings.address.over_ssh:
        return Unavailable(
            f"{failed} refused the SSH key", "check the key and that it may read and write the repository"
        )
    if settings.token is None:
        return Unavailable(
            f"{failed} asks for a token", "set BUMPER_TOKEN to one with the scopes api and write_repository"
        )
    return Unavailable(
        f"{failed} refused the token in {settings.token.source}",
        "check that it has not expired, its role (Developer) and its scopes (api, write_repository)",
    )


def explain_push(failure: GitFailed, branch: str, settings: Settings) -> BumperError:
    """The error for a push that was refused for another reason than a race; GitLab says why in ``remote:`` lines."""
    in_the_way = _IN_THE_WAY.search(failure.stderr)
    if in_the_way is not None:
        return Refused(
            f"branch {in_the_way[1]} is in the way of {branch}", "delete it, or set branch_prefix in bumper.yaml"
        )
    sentence = _servers_sentence(failure.stderr, settings)
    declined = "declined" in failure.stdout or "declined" in failure.stderr or "remote: GitLab:" in failure.stderr
    if declined and not _PASSING_REFUSAL.search(sentence):
        step = next((step for rule, step in _PUSH_RULES if rule.search(sentence)), "")
        reason = sentence or "a hook of the server declined it"
        return Refused(f"pushing {branch} was refused by the server: {reason}", step)
    if _NO_PUSH_OPTIONS.search(failure.stderr):
        return Refused(
            f"{settings.address.url} accepts no push options, which bumper needs to open a merge request "
            "without GitLab's API",
            "set BUMPER_TOKEN to a token with the scopes api and write_repository",
        )
    return explain(failure, f"pushing {branch}", settings)


def _servers_sentence(stderr: str, settings: Settings) -> str:
    """What the server wrote behind ``remote:``, without its rulers; git wraps it nowhere, GitLab does."""
    lines = [_REMOTE.sub("", line).strip() for line in stderr.splitlines() if line.startswith("remote:")]
    telling = [line for line in lines if line and not _RULER.issuperset(line)]
    return settings.redact(" ".join(telling)).rstrip(".")


def _cause(stderr: str, settings: Settings) -> str:
    """The first line that names a cause: ssh and curl write theirs before git sums up."""
    lines = [line.strip() for line in settings.redact(stderr).splitlines() if line.strip()]
    telling = [line for line in lines if _WITHOUT_A_CAUSE.search(line) is None] or lines or ["git gave no reason"]
    causes = [line for line in telling if _CAUSE.match(line)]
    return _CAUSE.sub("", next(iter(causes or telling))).rstrip(".")
