"""A new commit on the target branch, and its push.

It is made without index and work tree, and signed where git is configured to sign.
"""

import time
from collections.abc import Mapping, Sequence

from bumper.errors import Refused
from bumper.git.checkout import HEADS, Checkout, fetch_tip
from bumper.git.command import GitFailed
from bumper.git.failures import PushRaceLost, explain_push, is_race


def write_commit(checkout: Checkout, files: Mapping[str, bytes], message: str, author: str) -> str:
    """Make a commit on the tip with the new bytes of ``files``; the id of the commit, which is not pushed yet.

    ``author`` is ``Name <email>``. By fast-import, which needs neither index nor work tree and fetches no other blob.

    Refused where git is configured to sign commits, and cannot.
    """
    now = f"{int(time.time())} +0000"
    commit = _import(checkout, files, message, author, now)
    # In the machine's, the user's or the environment's configuration.
    signs = checkout.git.query("config", "--type=bool", "--get", "commit.gpgsign") == "true"
    return _signed(checkout, commit, message, author, now) if signs else commit


def _import(checkout: Checkout, files: Mapping[str, bytes], message: str, author: str, now: str) -> str:
    text = message.encode()
    # The push makes deltas against the contents before. Those that were kept from an earlier job are not among the
    # clone's objects, and git would fetch them now.
    before = checkout.blobs.known(checkout.entries[path].blob for path in files)
    stream = [
        *(b"blob\n" + _data(content) for content in before),
        f"commit refs/bumper/proposal\nmark :1\nauthor {author} {now}\ncommitter {author} {now}\n".encode(),
        _data(text) + f"from {checkout.tip}\n".encode(),
    ]
    for path, content in files.items():
        stream.append(f"M {checkout.entries[path].mode} inline ".encode() + _quoted(path) + b"\n" + _data(content))
    stream.append(b"get-mark :1\n")
    return checkout.git.text("fast-import", "--quiet", "--force", stdin=b"".join(stream))


def _data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"


def _quoted(path: str) -> bytes:
    """``path`` as fast-import takes it."""
    raw = path.encode(errors="surrogateescape")
    if not raw.startswith(b'"') and b"\n" not in raw:
        return raw
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'


def _signed(checkout: Checkout, commit: str, message: str, author: str, now: str) -> str:
    """``commit`` with a signature (OpenPGP, SSH or X.509, by gpg.format), which fast-import cannot make."""
    name, _, email = author.partition(" <")
    person = {"NAME": name, "EMAIL": email.removesuffix(">"), "DATE": now}
    people = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()}
    git = checkout.git.with_environment(people)
    tree = git.text("rev-parse", f"{commit}^{{tree}}")
    try:
        return git.text("commit-tree", "-S", "-p", checkout.tip, "-F", "-", tree, stdin=message.encode())
    except GitFailed as failure:
        reason = " ".join(line.strip() for line in failure.stderr.splitlines() if line.strip())
        raise Refused(
            f"git is configured to sign commits (commit.gpgsign) and could not: {reason.rstrip('.')}",
            "check user.signingkey, gpg.format and that the key is at hand, or set commit.gpgsign to false",
        ) from failure


def push(checkout: Checkout, commit: str, branch: str, expected: str | None, options: Sequence[str] = ()) -> str:
    """Push ``commit`` as ``branch``, if the branch is still at ``expected`` (None: is not there).

    ``options`` are push options for the server. Returns what it wrote (``remote:`` lines).

    PushRaceLost where somebody else moved the branch; Refused where the server declined the push; Unavailable where it
    could not be reached.
    """
    ref = f"{HEADS}{branch}"
    lease = f"--force-with-lease={ref}:{expected or ''}"
    push_options = [part for option in options for part in ("--push-option", option)]
    try:
        return checkout.git.over_network("push", "--porcelain", lease, *push_options, "origin", f"{commit}:{ref}")
    except GitFailed as failure:
        if is_race(failure.stdout + failure.stderr):
            if failure.repeated and fetch_tip(checkout, branch) == commit:
                return ""  # an earlier try got through, and only its answer was lost
            raise PushRaceLost(branch) from failure
        raise explain_push(failure, branch, checkout.settings) from failure
