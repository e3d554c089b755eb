"""A merge request's description: what changes, where it comes from, what was checked and left out, how to undo it.

Whoever looks at it decides whether to merge: so it shows the changes first, then one line a fact, and folds what is the
same in every merge request. Text that others wrote stands in Markdown so that none of it comes to life. Pure.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from bumper.ci import Source
from bumper.clock import format_duration
from bumper.records.record import Command, Record, comment, one_line
from bumper.values.change import Change, Held

_MAX_ROWS = 100
_MAX_SENTENCES = 20
_MAX_NAMED = 3  # applications in a command
_MAX_DIGESTS = 5  # shown without a click
_MAX_TEMPLATE = 100_000  # characters; GitLab takes a description of 1,048,576
_MAX_URL = 2000  # characters
_ZERO_WIDTH_SPACE = "\u200b"
_REFERENCE = re.compile(r"[@#!$&~%](?=[\w\"])")
_MARKUP = re.compile(r"[\\`*_\[\]<|~&$]|^[#>+=-]")
_BEHAVIOUR = (
    "The same command run again updates it: a newer tag replaces this one, on the target branch's newest commit.",
    "Close it, and the same change is not proposed again, unless somebody runs bumper with `--reopen`.",
    "Do not push to its branch: bumper never overwrites somebody's commit, so it could not update the branch any more.",
    "It is closed when another merge request of bumper's covers all of its changes.",
)


@dataclass(frozen=True, slots=True)
class Watching:
    """How a deployment is watched: so many ``seconds`` until it is healthy, ``steady`` ones after that."""

    seconds: float
    steady: float
    rolls_back: bool

    @property
    def longest(self) -> float:
        """After so many seconds it is over."""
        return self.seconds + self.steady

    def explain(self) -> str:
        """What the merge request says of it."""
        stays = f", and that it stays so for {format_duration(self.steady)}" if self.steady else ""
        back = "; if Argo CD reports it Degraded or cannot sync it, the job rolls it back" if self.rolls_back else ""
        within = format_duration(self.seconds)
        return f"after the merge, its job checks that Argo CD runs it and is healthy within {within}{stays}{back}"


@dataclass(frozen=True, slots=True)
class ProposalText:
    """What a command adds to the words of its proposal.

    ``note`` stands in the title's parentheses, ``title`` is the user's own title. ``facts`` and ``commits`` are
    Markdown; ``checks`` ("image exists", "healthy in staging"), ``left_out`` (what is not in it, and why) and
    ``warnings`` are text. ``urgent`` is why it passes soak and freeze. ``along`` are the places beside the pins that
    change with them, ``files_url`` is where GitLab shows files of the target branch, ``trailers`` are further ones of
    the commit.
    """

    note: str = ""
    title: str | None = None
    labels: tuple[str, ...] = ()
    facts: Sequence[str] = ()
    commits: Sequence[str] = ()
    checks: Sequence[str] = ()
    left_out: Sequence[str] = ()
    warnings: Sequence[str] = ()
    template: str = ""  # the project's own, for every merge request
    watching: Watching | None = None
    by_itself: bool = False
    urgent: str | None = None
    along: Sequence[Change] = ()
    files_url: str = ""
    trailers: Mapping[str, str] = field(default_factory=dict)


def describe(record: Record, text: ProposalText, subject: str = "") -> str:
    """The description; the ``subject`` is in it where the title is the user's. The record comes last, in a comment."""
    along = [f"{_place(change, text.files_url)} {code(change.path)}" for change in text.along]
    digests = _digests(record)
    many = _bullets(digests, _MAX_ROWS) if len(digests) > _MAX_DIGESTS else ""
    parts = [
        plain(subject) if text.title else "",
        _table(record, text.files_url),
        f"These places change too, through an anchor:\n\n{_bullets(along, _MAX_ROWS)}" if along else "",
        "\n".join(f"- {fact}" for fact in _facts(record, text, digests if not many else [])),
        _listed("Left out", text.left_out),
        _listed("Warnings", text.warnings),
        _folded(f"Digests of {len(digests)} images", many) if many else "",
        _folded("How this merge request behaves", _bullets(_BEHAVIOUR, len(_BEHAVIOUR))),
        text.template[:_MAX_TEMPLATE].strip(),
        comment(record),
    ]
    return "\n\n".join(part for part in parts if part)


def explain_held(held: Held) -> str:
    """Why a change is left out."""
    change = held.change
    return f"{change.app}: {change.image} stays at {change.before}, held: {held.reason}"


def _table(record: Record, files_url: str) -> str:
    held = {Command.HOLD: "held", Command.UNHOLD: "no longer held"}.get(record.command)
    columns = ("Application", "Image", *(("Tag",) if held else ("From", "To")), "File")
    rows = [columns, ("---",) * len(columns)]
    for change in record.changes[:_MAX_ROWS]:
        before, after = code(str(change.before)), code(str(change.after))
        tags = (f"{before} {held}",) if held else (before, after)
        rows.append((code(change.app), code(str(change.image)), *tags, _place(change, files_url)))
    more = len(record.changes) - _MAX_ROWS
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\n… and {more} more." if more > 0 else table


def _place(change: Change, files_url: str) -> str:
    url = f"{files_url}/{quote(change.file, errors='replace')}#L{change.line}" if files_url else ""
    return link(f"{change.file}:{change.line}", url)


def _digests(record: Record) -> list[str]:
    """Each digest that is written, in Markdown."""
    references = dict.fromkeys(change.reference for change in record.changes if change.after.digest is not None)
    return [f"{code(str(one).partition('@')[0])} is {code(str(one.digest))}" for one in references]


def _listed(heading: str, sentences: Sequence[str]) -> str:
    return f"**{heading}**\n\n{_bullets(map(plain, dict.fromkeys(sentences)), _MAX_SENTENCES)}" if sentences else ""


def _facts(record: Record, text: ProposalText, digests: Sequence[str]) -> Iterator[str]:
    """What is worth a line each, in Markdown."""
    yield from text.facts
    if record.urgent is not None:
        yield f"**Urgent**, past soak and freeze: {code(record.urgent)}"
    if record.source is not None:
        yield f"**Commit**: {_commit(record.source)}"
    pipeline, by = record.pipeline, f", started by {code(record.requested_by)}" if record.requested_by else ""
    if pipeline is not None and "](" in (shown := link(str(pipeline.id), pipeline.url)):
        yield f"**Pipeline**: {shown}{by}"
    elif by:
        yield f"**Requested by**: {code(str(record.requested_by))}"
    yield from text.commits
    if record.command not in (Command.HOLD, Command.UNHOLD):
        yield from (f"**Digest**: {one}" for one in digests)
    if text.checks:
        yield f"**Checked**: {', '.join(map(plain, text.checks))}"
    if text.watching is not None:
        yield f"**Watched**: {text.watching.explain()}"
    yield _undoing(record)


def _commit(source: Source) -> str:
    url = f"{source.url}/-/commit/{quote(source.commit)}" if source.url else ""
    title = link(inert(source.title) or source.commit[:12], url)
    author = f" by {code(source.author.partition(' <')[0])}" if source.author else ""
    branch = f" on {code(source.branch)}" if source.branch else ""
    return f"{title}{author}{branch} of {link(source.project, source.url)}"


def _undoing(record: Record) -> str:
    """The command that takes the change back once it is merged."""
    command, environment = record.command, shlex.quote(record.environment)
    apps = list(dict.fromkeys(change.app for change in record.changes))
    tags = list(dict.fromkeys(change.before.tag for change in record.changes))
    named = "".join(f" --app {shlex.quote(app)}" for app in apps[:_MAX_NAMED])
    if command in (Command.HOLD, Command.UNHOLD):
        other = Command.UNHOLD if command is Command.HOLD else Command.HOLD
        return f"**Undo**: {code(f'bumper {other} {environment}{named}')}"
    back = f"bumper rollback {environment}"
    if command is Command.ROLLBACK and len(apps) == len(tags) == 1 and tags[0]:
        return f"**Undo**: {code(f'{back}{named} --to {shlex.quote(tags[0])}')}"
    if command is not Command.ROLLBACK and len(apps) == 1:
        return f"**Roll back**: {code(f'{back}{named}')}"
    return f"**Undo**: {code(f'{back} --mr N')}, where N is this merge request's number"


def code(text: str) -> str:
    """``text`` as code: no Markdown, HTML, mention or quick action in it comes to life, in a table neither."""
    shown = one_line(text).replace("`", "'").replace("|", "\\|")
    return f"`{shown or ' '}`"


def inert(text: str) -> str:
    """A title that somebody wrote, with no reference in it: GitLab closes what "closes #1" names even inside code."""
    return without_references(one_line(text)).replace("://", f":{_ZERO_WIDTH_SPACE}//")


def plain(text: str) -> str:
    """``text`` as the words of a sentence that others' names are a part of."""
    return _MARKUP.sub(r"\\\g<0>", inert(text)).replace("\\<", "&lt;")


def quiet(text: str) -> str:
    """``text`` in which no name notifies anybody: GitLab reads mentions in titles too, where backticks do not help."""
    return text.replace("@", f"@{_ZERO_WIDTH_SPACE}")


def without_references(text: str) -> str:
    """``text`` in which no name is a reference either: an application called "closes #1" closes no issue by a commit.

    GitLab reads ``#1 !1 $1 &1 ~label %milestone @user`` (its documentation of GitLab-specific references).
    """
    return _REFERENCE.sub(f"\\g<0>{_ZERO_WIDTH_SPACE}", text)


def link(text: str, url: str) -> str:
    """``text``, as code, that leads to ``url``; without a link where that is no address of the web."""
    address = one_line(url)
    try:
        parts = urlsplit(address)
    except ValueError:
        return code(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or len(address) > _MAX_URL:
        return code(text)
    return f"[{code(text)}]({quote(address, safe=':/?#&=%+,;~.-_[]')})"


def _bullets(items: Iterable[str], most: int) -> str:
    """A list of at most so many items, and how many are left out."""
    lines = [f"- {item}" for item in items]
    more = [f"- … and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join([*lines[:most], *more])


def _folded(summary: str, content: str) -> str:
    """A part that GitLab shows when its summary is clicked."""
    return f"<details>\n<summary>{summary}</summary>\n\n{content}\n\n</details>"
