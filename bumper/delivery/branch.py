"""A request's branch as it is on the server: whether it holds the proposal and nothing else, or somebody's work.

Everybody with the role Developer may push to it, and a commit message is easily kept while the files change: so only
the commit's own content counts, compared path by path with its parent, and line by line at its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import Enum, auto
from itertools import takewhile

from bumper.clock import Clock, polls
from bumper.errors import NotDeployed, Refused
from bumper.git.checkout import HEADS, Checkout, at_commit, fetch_branch, read_commit, read_files, remote_refs
from bumper.git.command import GitFailed
from bumper.git.failures import PushRaceLost
from bumper.git.objects import Commit
from bumper.gitlab import merge_requests
from bumper.gitlab.connection import GitLab
from bumper.gitlab.merge_requests import MergeRequest
from bumper.gitlab.project import contains, messages_between
from bumper.records.record import Record, read_trailers

_DEPTH = 50  # commits of the target branch among which a parent is looked for, where GitLab's API cannot be asked
_HEAD_TIMEOUT = 60.0  # seconds
_MAX_LINES = 1000  # that differ: with more, comparing takes seconds, and the proposal is made again instead


@dataclass(frozen=True, slots=True)
class Branch:
    """The branch at its head, with the head's parent; ``record`` is what the head's trailers say."""

    checkout: Checkout
    head: Commit
    record: Record | None
    on_target: bool  # the head has one parent, and that is on the target branch

    @property
    def base(self) -> Checkout:
        """The commit that the head is based on; only where ``on_target``."""
        return at_commit(self.checkout, self.head.parents[0])

    def changed_paths(self) -> set[str]:
        """The paths at which the head differs from its base: contents, modes, files and submodules."""
        options = ("-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none")
        found = self.checkout.git.run("diff-tree", *options, self.head.parents[0], self.head.id)
        return {path.decode(errors="surrogateescape") for path in found.split(b"\0") if path}


def fetch(target: Checkout, name: str, gitlab: GitLab | None) -> Branch:
    """The branch ``name`` with two commits of it; ``PushRaceLost`` where there is none (any more)."""
    branch = fetch_branch(target, name, depth=2)
    head = read_commit(branch)
    on_target = len(head.parents) == 1 and _is_on_target(target, head.parents[0], gitlab)
    return Branch(branch, head, read_trailers(head.message), on_target)


def _is_on_target(target: Checkout, commit: str, gitlab: GitLab | None) -> bool:
    if commit == target.tip:
        return True
    if gitlab is not None:
        return contains(gitlab, target.branch, commit)
    newest = fetch_branch(target, target.branch, _DEPTH)
    try:
        target.git.run("merge-base", "--is-ancestor", commit, newest.tip)
    except GitFailed:
        return False
    return True


def fetch_own(target: Checkout, name: str, gitlab: GitLab | None) -> Branch:
    """The branch ``name``, unless it holds a commit without bumper's trailers: somebody's work is never overwritten.

    Raises ``Refused`` then, with the authors, and ``PushRaceLost`` where there is no such branch (any more).
    """
    branch = fetch(target, name, gitlab)
    authors = [] if branch.record is not None else [branch.head.author]
    if authors and _is_on_target(target, branch.head.id, gitlab):  # it has no commit of its own
        return branch
    if not authors and not branch.on_target and gitlab is not None:
        commits = messages_between(gitlab, target.branch, name)
        authors = list(dict.fromkeys(author for author, message in commits if read_trailers(message) is None))
    if authors:
        raise Refused(
            f"branch {name} holds a commit by {', '.join(authors)}, which bumper does not overwrite",
            "merge or close its merge request, or delete the branch, and run this again",
        )
    return branch


@dataclass(frozen=True, slots=True)
class LineChange:
    """A line before and after; ``number`` counts from zero, and is None where the line is not there any more."""

    path: str
    number: int | None
    old: bytes
    new: bytes


def changed_lines(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[LineChange] | None:
    """The lines that differ, by path and place; None where a file has got more or fewer lines."""
    changes: list[LineChange] = []
    for path in sorted(after):
        old, new = before.get(path, b"").split(b"\n"), after[path].split(b"\n")
        if len(old) != len(new):
            return None
        pairs = enumerate(zip(old, new, strict=True))
        changes += [LineChange(path, number, was, now) for number, (was, now) in pairs if was != now]
    return changes


def moved(changes: Iterable[LineChange], before: Mapping[str, bytes], now: Mapping[str, bytes]) -> list[LineChange]:
    """The changes of lines of ``before``, at the places where these lines are ``now``."""
    places = {path: _places(before.get(path, b"").split(b"\n"), now.get(path, b"").split(b"\n")) for path in before}
    return [replace(one, number=places.get(one.path, {}).get(one.number or 0)) for one in changes]


def _places(before: Sequence[bytes], now: Sequence[bytes]) -> dict[int, int]:
    """Which line of ``before`` is which one ``now``."""
    shortest = min(len(before), len(now))
    first = _alike(zip(before, now, strict=False))
    last = min(_alike(zip(reversed(before), reversed(now), strict=False)), shortest - first)
    places = {number: number for number in range(first)}
    places |= {len(before) - number: len(now) - number for number in range(1, last + 1)}
    old, new = before[first : len(before) - last], now[first : len(now) - last]
    if max(len(old), len(new)) <= _MAX_LINES:
        for a, b, size in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
            places |= {first + a + step: first + b + step for step in range(size)}
    return places


def _alike(pairs: Iterable[tuple[bytes, bytes]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


class Holds(Enum):
    """What a branch holds of a proposal."""

    PROPOSAL = auto()  # its lines and nothing else
    OUTDATED = auto()  # its new lines, but the target branch has others now where they go
    OTHER = auto()  # something else


def compare(target: Checkout, branch: Branch, files: Mapping[str, bytes]) -> Holds:
    """What the branch's head changes against its parent, compared with what ``files`` change on the target branch.

    Paths, modes and bytes count. Elsewhere in a file the target may have moved on: the same lines have to change at the
    same places.
    """
    if not branch.on_target or branch.record is None:
        return Holds.OTHER
    base = branch.base
    if branch.changed_paths() != set(files) or not _keeps_modes(base, branch.checkout, files):
        return Holds.OTHER
    parent, now, held = read_files(base, files), read_files(target, files), read_files(branch.checkout, files)
    theirs, ours = changed_lines(parent, held), changed_lines(now, files)
    if theirs is None or ours is None:
        return Holds.PROPOSAL if held == files else Holds.OTHER
    theirs = moved(theirs, parent, now)
    if theirs == ours:
        return Holds.PROPOSAL
    return Holds.OUTDATED if _differ_in_old_lines(theirs, ours) else Holds.OTHER


def _differ_in_old_lines(theirs: Sequence[LineChange], ours: Sequence[LineChange]) -> bool:
    """Whether the changes make the same lines, and only of lines that the target branch does not have any more."""
    return len(theirs) == len(ours) and all(
        (one.path, one.new) == (other.path, other.new) and one.number in (None, other.number)
        for one, other in zip(theirs, ours, strict=True)
    )


def _keeps_modes(base: Checkout, head: Checkout, files: Iterable[str]) -> bool:
    modes = ((base.entries.get(file), head.entries.get(file)) for file in files)
    return all(before is not None and after is not None and before.mode == after.mode for before, after in modes)


def require_same_change(before: Branch, after: Branch) -> None:
    """Check that a rebased head changes the same lines as before, by the same message.

    Raises ``NotDeployed`` where somebody pushed something else in the meantime.
    """
    paths, says = before.changed_paths(), before.head.message.rstrip()
    if after.on_target and after.head.message.rstrip() == says and after.changed_paths() == paths:
        base = after.base
        if _keeps_modes(base, after.checkout, paths):
            was, now = read_files(before.base, paths), read_files(base, paths)
            old = changed_lines(was, read_files(before.checkout, paths))
            if old is not None and moved(old, was, now) == changed_lines(now, read_files(after.checkout, paths)):
                return
    raise NotDeployed(
        f"branch {after.checkout.branch} no longer holds what this request proposed",
        "look at its merge request, and run this again",
    )


def read_at_head(
    checkout: Checkout, gitlab: GitLab, iid: int, branch: str, head: str, clock: Clock
) -> MergeRequest | None:  # fmt: skip
    """The branch's merge request once it shows the commit ``head``, or has ended; None where that takes a minute.

    After a push a background job of GitLab's brings the new head to the merge request, some seconds later. Raises
    ``PushRaceLost`` where somebody has pushed in the meantime, whose head alone GitLab may show.
    """
    for _ in polls(clock, _HEAD_TIMEOUT):
        found = merge_requests.read(gitlab, iid)
        if found.sha == head or found.state != "opened":
            return found
        if head not in remote_refs(checkout, f"{HEADS}{branch}"):
            raise PushRaceLost(branch)
    return None
