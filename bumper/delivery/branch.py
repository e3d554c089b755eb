"""A request's branch as it is on the server: whether it holds the proposal and nothing else, or somebody's work.

Everybody with the role Developer may push to it, and a commit message is easily kept while the files change: so only
the commit's own content counts, compared path by path with its parent, and line by line at its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import Enum, auto
from itertools import takewhile

from bumper.errors import NotDeployed, Refused
from bumper.git.checkout import Checkout, at_commit, fetch_branch, read_commit, read_files
from bumper.git.command import GitFailed
from bumper.git.objects import Commit
from bumper.gitlab.connection import GitLab
from bumper.gitlab.project import contains, messages_between
from bumper.records.record import Record, read_trailers

_DEPTH = 50  # commits of the target branch among which a parent is looked for, where GitLab's API cannot be asked
_MAX_LINES = 1000  # that differ: with more, comparing takes seconds, and the proposal is made again instead


@dataclass(frozen=True, slots=True)
class Branch:
    """The branch at its head, with the head's parent; ``record`` is what the head's trailers say."""

    checkout: Checkout
    head: Commit
    record: Record | None
    on_target: bool  # the head has one parent, and that is on the target branch

    @property
    def name(self) -> str:
        """The branch's name."""
        return self.checkout.branch

    @property
    def parent(self) -> str:
        """The commit that the head is based on; only where ``on_target``."""
        return self.head.parents[0]


def fetch(target: Checkout, name: str, gitlab: GitLab | None) -> Branch:
    """The branch ``name`` with two commits of it.

    Raises:
        PushRaceLost: there is no such branch (any more).

    """
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

    Raises:
        PushRaceLost: there is no such branch (any more).
        Refused: it holds somebody's work; the authors are named.

    """
    branch = fetch(target, name, gitlab)
    authors = [] if branch.record is not None else [branch.head.author]
    if authors and _is_on_target(target, branch.head.id, gitlab):  # it has no commit of its own
        return branch
    if not authors and not branch.on_target and gitlab is not None:
        commits = messages_between(gitlab, target.branch, branch.name)
        authors = list(dict.fromkeys(author for author, message in commits if read_trailers(message) is None))
    if authors:
        raise Refused(
            f"branch {branch.name} holds a commit by {', '.join(authors)}, which bumper does not overwrite",
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
    base = at_commit(branch.checkout, branch.parent)
    if changed_paths(base, branch.checkout) != set(files) or not _keeps_modes(base, branch.checkout, files):
        return Holds.OTHER
    parent, now = read_files(base, files), read_files(target, files)
    theirs, ours = changed_lines(parent, read_files(branch.checkout, files)), changed_lines(now, files)
    if theirs is None or ours is None:
        return Holds.PROPOSAL if read_files(branch.checkout, files) == files else Holds.OTHER
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


def changed_paths(base: Checkout, head: Checkout) -> set[str]:
    """The paths at which two trees differ: contents, modes, files and submodules that only one has."""
    options = ("-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none")
    found = head.git.run("diff-tree", *options, base.tip, head.tip)
    return {path.decode(errors="surrogateescape") for path in found.split(b"\0") if path}


def _keeps_modes(base: Checkout, head: Checkout, files: Iterable[str]) -> bool:
    modes = ((base.entries.get(file), head.entries.get(file)) for file in files)
    return all(before is not None and after is not None and before.mode == after.mode for before, after in modes)


def require_same_change(target: Checkout, before: Branch, after: Branch) -> None:
    """Refuse a rebased head that is not what it was before: the same lines have to change, by the same message.

    Raises:
        NotDeployed: somebody pushed something else in the meantime.

    """
    old_base, old_head = at_commit(target, before.parent), before.checkout
    paths = changed_paths(old_base, old_head)
    same = False
    if (
        after.on_target
        and after.head.message.rstrip() == before.head.message.rstrip()
        and changed_paths(new_base := at_commit(target, after.parent), after.checkout) == paths
        and _keeps_modes(new_base, after.checkout, paths)
    ):
        was, now = read_files(old_base, paths), read_files(new_base, paths)
        old, new = (
            changed_lines(was, read_files(old_head, paths)),
            changed_lines(now, read_files(after.checkout, paths)),
        )
        same = old is not None and moved(old, was, now) == new
    if not same:
        raise NotDeployed(
            f"branch {after.name} no longer holds what this request proposed",
            "look at its merge request, and run this again",
        )
