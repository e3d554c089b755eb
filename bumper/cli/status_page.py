"""Status as one page for a browser: nothing beside it, nothing from a network. Pure.

Whatever comes from the repository or from GitLab is escaped, and a policy in the page lets only its own script run.
"""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote, urlsplit

from bumper.cli.screen import Screen, count, short_names
from bumper.cli.status_table import Application, Cell, Comparison, Running, applications
from bumper.clock import relative_age
from bumper.commands.status import Status
from bumper.gitlab.merge_requests import MergeRequest
from bumper.values.pin import Version

_TEMPLATE = Path(__file__).with_suffix(".html")
_INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)
_MAX_BESIDE = 4  # environments that a table as wide as the page has room for
_WIDE = 'class="wide" role="region" aria-label="Image tags" tabindex="0"'  # it scrolls, by the keyboard too


def status_page(status: Status, now: datetime) -> str:
    """The whole page as made at ``now``."""
    template = _TEMPLATE.read_text(encoding="utf-8")
    apps, writer = applications(status), _Writer(status, now)
    names = list(status.stages or status.overview.environments)
    images = short_names(Screen(), (image for app in apps for image in app.images))
    warnings = [escape(warning) for warning in status.overview.warnings]
    page = Template(template).substitute(
        policy=_policy(template),
        title=escape(_project(status)),
        header=_header(status, now),
        filters=_filters(apps, names, len(status.merge_requests)),
        requests=_list("Open merge requests", list(_requests(status))),
        warnings=_list("Warnings", warnings),
        region=_WIDE if len(names) > _MAX_BESIDE else 'class="narrow"',
        columns="".join(f'<th scope="col" role="columnheader">{escape(name)}</th>' for name in names),
        rows="\n".join(writer.application(app, names, images) for app in apps),
        nothing="" if apps else "<p>No image tag was found.</p>",
    )
    # A name that is not UTF-8 in git comes as lone surrogates, which no file can be written with.
    return page.encode("utf-8", "replace").decode("utf-8")


def _policy(template: str) -> str:
    """The content security policy: the template's own style and script by their hashes, nothing else."""
    hashes = {kind: b64encode(sha256(text.encode()).digest()).decode() for kind, text in _INLINE.findall(template)}
    own = "; ".join(f"{kind}-src 'sha256-{digest}'" for kind, digest in hashes.items())
    return f"default-src 'none'; base-uri 'none'; form-action 'none'; {own}"


def _project(status: Status) -> str:
    return urlsplit(status.looked.url).path.strip("/") if status.looked is not None else "Image tags by environment"


def _header(status: Status, now: datetime) -> str:
    """Repository, branch and commit, each as a link, and when that was."""
    looked, made = status.looked, _time(now, _utc(now))
    if looked is None:
        return f"<h1>{_project(status)}</h1><p>{made}</p>"
    branch = _link(f"{looked.url}/-/tree/{quote(looked.branch)}", looked.branch)
    commit = _link(f"{looked.url}/-/commit/{looked.commit}", looked.commit[:12])
    return f"<h1>{_link(looked.url, _project(status))}</h1><p>{branch} at <code>{commit}</code>, {made}</p>"


def _filters(apps: Sequence[Application], names: Iterable[str], requests: int) -> str:
    """What there is to do, in numbers of applications; each number shows those alone."""
    counts = Counter(kind for app in apps for kind in app.kinds)
    kinds = []
    for name in names:
        waits = "waits" if counts[f"wait-{name}"] == 1 else "wait"
        kinds += [
            (f"wait-{name}", "attention", f"{waits} for {name}"),
            (f"gate-{name}", "gate", f"not yet for {name}"),
            (f"ahead-{name}", "attention", f"ahead in {name}"),
        ]
    shown = [("", "", count(len(apps), "application"))]
    shown += [
        (kind, style, f"{counts[kind]} {text}")
        for kind, style, text in [*kinds, ("held", "held", "held")]
        if counts[kind]
    ]
    shown += [("open", "open", f"{count(requests, 'merge request')} open")] if counts["open"] else []
    return "".join(
        f'<button type="button" class="{style}" data-kind="{escape(kind)}" aria-pressed="{str(not kind).lower()}" '
        f"disabled>{escape(text)}</button>"
        for kind, style, text in shown
    )


def _list(title: str, items: Sequence[str]) -> str:
    """A section that folds; nothing without items."""
    lines = "".join(f"<li>{item}</li>" for item in items)
    return f"<details><summary><h2>{title} ({len(items)})</h2></summary><ul>{lines}</ul></details>" if items else ""


def _requests(status: Status) -> Iterator[str]:
    for recorded in status.merge_requests:
        request = recorded.merge_request
        about = escape(f"{recorded.record.environment}, by {request.author.username}")
        yield f"{_link(request.url, f'!{request.iid} {request.title}')} <span>{about}</span>"


def _link(url: str, text: str) -> str:
    """A link where ``url`` is one of the web; else the text alone, because a script could hide behind it."""
    try:
        address = urlsplit(url)
    except ValueError:
        return escape(text)
    if address.scheme not in {"http", "https"} or not address.netloc:
        return escape(text)
    return f'<a href="{escape(url)}" rel="noopener noreferrer">{escape(text)}</a>'


class _Writer:
    """Writes the table's rows, with links into GitLab and ages as of now."""

    def __init__(self, status: Status, now: datetime) -> None:
        self._url = status.looked.url if status.looked is not None else ""
        self._now = now
        self._watched = {one.merge_request.iid: one for one in status.watched}

    def application(self, app: Application, names: Sequence[str], images: Mapping[str, str]) -> str:
        """The rows of an application, one for each of its images."""
        head = f'<th scope="rowgroup" role="rowheader" rowspan="{len(app.images)}">{escape(app.name)}</th>'
        rows = []
        for image, cells in app.images.items():
            short = images[image].removeprefix(f"{app.name}/")
            shown = f'<td role="cell" class="image" title="{escape(image)}">{escape(short)}</td>'
            row = "".join(self._cell(name, cells.get(name) or Cell()) for name in names)
            rows.append(f'<tr role="row">{head}{shown}{row}</tr>')
            head = ""
        found, kinds = " ".join(dict.fromkeys(_findable(app))), " ".join(sorted(app.kinds))
        return f'<tbody role="rowgroup" data-find="{escape(found)}" data-is="{escape(kinds)}">{"".join(rows)}</tbody>'

    def _cell(self, name: str, cell: Cell) -> str:
        """One line for each version that runs there: tag, age, who, merge request, and what there is to do."""
        lines = [self._running(one) for one in cell.running]
        if lines:
            lines[0] = f"{lines[0]}{''.join(self._badges(cell))}"
        else:
            lines = [" ".join(['<span class="none">not there</span>', *(_proposed(*one) for one in cell.proposed)])]
        content = "".join(f"<div>{line}</div>" for line in lines)
        return f'<td role="cell" data-label="{escape(name)}">{content}</td>'

    def _running(self, one: Running) -> str:
        text, change = _short(one.version), one.change
        title = f' title="{escape(str(one.version.digest or text))}"'
        if change is None:
            return f"<code{title}>{escape(text)}</code>"
        tag = _link(f"{self._url}/-/commit/{change.commit}", text)
        age = _time(change.at, self._age(change.at))
        request, number = "", change.merge_request
        if number is not None:
            request = f' <span class="mr">{_link(f"{self._url}/-/merge_requests/{number}", f"!{number}")}</span>'
        watched = self._watched.get(number or 0)
        outcome = f' <span class="who">{escape(watched.outcome)}</span>' if watched is not None else ""
        return f'<code{title}>{tag}</code> {age} <span class="who">{escape(change.who)}</span>{request}{outcome}'

    def _badges(self, cell: Cell) -> Iterator[str]:
        before = escape(str(cell.before))
        if cell.held is not None:
            held = escape(cell.held)
            yield f' <span class="badge held" title="{held}">held<i>: {held}</i></span>'
        yield from (f" {_proposed(*one)}" for one in cell.proposed)
        if cell.comparison is Comparison.SAME:
            yield f' <span class="same" role="img" aria-label="same as {before}" title="same as {before}">=</span>'
        elif cell.comparison is Comparison.AHEAD:
            yield f' <span class="badge attention" title="ahead of {before}">ahead</span>'
        elif cell.gate is not None:
            until = f" until {_utc(cell.gate.until)}" if cell.gate.until is not None else ""
            reason = escape(cell.gate.reason + until)
            yield f' <span class="badge gate" title="{reason}">not yet<i>: {reason}</i></span>'
        elif cell.comparison is Comparison.WAITING and cell.held is None and not cell.proposed:
            age = f" {self._age(cell.waits_since)}" if cell.waits_since is not None else ""
            yield f' <span class="badge attention">waits{age}</span>'

    def _age(self, at: datetime) -> str:
        return relative_age((self._now - at).total_seconds())


def _findable(app: Application) -> Iterator[str]:
    """What the filter's box finds an application by."""
    yield app.name
    yield from app.images
    for _, cell in app.cells:
        yield from (_short(one.version) for one in cell.running)
        yield from (_short(version) for version, _ in cell.proposed)
        yield from (one.change.who for one in cell.running if one.change is not None)


def _proposed(version: Version, request: MergeRequest) -> str:
    text = f"!{request.iid} \N{RIGHTWARDS ARROW} {_short(version)}"
    return f'<span class="badge open" title="{escape(request.title)}">{_link(request.url, text)}</span>'


def _short(version: Version) -> str:
    return version.tag or str(version)


def _time(at: datetime, text: str) -> str:
    return f'<time datetime="{at.astimezone(UTC).isoformat()}" title="{_utc(at)}">{text}</time>'


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
