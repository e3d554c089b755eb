"""Status as one page for a browser: nothing beside it, nothing from a network. Pure.

Whatever comes from the repository or from GitLab is escaped, and a policy in the page lets only its own script run.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from bumper.cli.report import waiting_text
from bumper.cli.status_table import Cell, Proposed, Running, TableRow, table_rows
from bumper.commands.status.status import Status
from bumper.records.known_requests import RecordedRequest
from bumper.values.change import Version

_TEMPLATE = Path(__file__).with_suffix(".html")
_INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400
_MAX_BESIDE = 4  # environments that a table as wide as the page has room for
_WIDE = 'class="wide" role="region" aria-label="Image tags" tabindex="0"'  # it scrolls, by the keyboard too
_MAX_OPEN = 10  # merge requests or warnings that are shown without a click


def status_page(status: Status, now: datetime) -> str:
    """The whole page as made at ``now``."""
    template = _TEMPLATE.read_text(encoding="utf-8")
    rows = table_rows(status)
    names = list(status.overview.environments)
    page = Template(template).substitute(
        policy=_policy(template),
        made=_time(now, _utc(now)),
        counts=_counts(rows, len(status.merge_requests)),
        requests=_list("Open merge requests", [_request_line(one) for one in status.merge_requests])
        + _list("Waiting to be promoted", _waiting_lines(status)),
        warnings=_list("Warnings", [escape(warning) for warning in status.overview.warnings]),
        region=_WIDE if len(names) > _MAX_BESIDE else 'class="narrow"',
        columns="".join(f'<th scope="col" role="columnheader">{escape(name)}</th>' for name in names),
        rows="\n".join(_row(row, names, now) for row in rows),
        nothing="" if rows else "<p>No image tag was found.</p>",
    )
    # A name that is not UTF-8 in git comes as lone surrogates, which no file can be written with.
    return page.encode("utf-8", "replace").decode("utf-8")


def _waiting_lines(status: Status) -> list[str]:
    return [f"{escape(name)}: {escape(waiting_text(one))}" for name, listed in status.waiting.items() for one in listed]


def relative_age(age: float) -> str:
    """Seconds as people say them: ``5 min``, ``3 h``, ``3 d``, ``2 y``. What lies ahead, by a wrong clock, is now."""
    for unit, name, most in ((_MINUTE, "min", _HOUR), (_HOUR, "h", 2 * _DAY), (_DAY, "d", 2 * _YEAR)):
        if age < most:
            return f"{max(int(age // unit), 0)} {name}"
    return f"{int(age // _YEAR)} y"


def _policy(template: str) -> str:
    """The content security policy: the template's own style and script by their hashes, nothing else."""
    hashes = {kind: b64encode(sha256(text.encode()).digest()).decode() for kind, text in _INLINE.findall(template)}
    own = "; ".join(f"{kind}-src 'sha256-{digest}'" for kind, digest in hashes.items())
    return f"default-src 'none'; base-uri 'none'; form-action 'none'; {own}"


def _counts(rows: Sequence[TableRow], requests: int) -> str:
    counts = {
        "rows": len(rows),
        "differing": sum(row.differs for row in rows),
        "held": sum(row.held for row in rows),
        "open merge requests": requests,
    }
    return "".join(f"<div><dt>{name}</dt><dd>{count}</dd></div>" for name, count in counts.items())


def _list(title: str, items: Sequence[str]) -> str:
    """A section that folds, open where it is short; nothing without items."""
    if not items:
        return ""
    lines = "".join(f"<li>{item}</li>" for item in items)
    is_open = " open" if len(items) <= _MAX_OPEN else ""
    return f"<details{is_open}><summary><h2>{title} ({len(items)})</h2></summary><ul>{lines}</ul></details>"


def _request_line(recorded: RecordedRequest) -> str:
    one = recorded.merge_request
    return _link(one.url, f"!{one.iid} {one.title}") + f" <span>{escape(recorded.record.environment)}</span>"


def _link(url: str, text: str) -> str:
    """A link where ``url`` is one of the web; else the text alone, because a script could hide behind it."""
    try:
        address = urlsplit(url)
    except ValueError:
        return escape(text)
    if address.scheme not in {"http", "https"} or not address.netloc:
        return escape(text)
    return f'<a href="{escape(url)}" rel="noopener noreferrer">{escape(text)}</a>'


def _row(row: TableRow, names: Sequence[str], now: datetime) -> str:
    found = dict.fromkeys(_findable(row))
    cells = "".join(_cell(name, row.cells.get(name), now) for name in names)
    differs = ' data-differs=""' if row.differs else ""
    return (
        f'<tr role="row" data-find="{escape(" ".join(found))}"{differs}>'
        f'<th scope="row" role="rowheader">{escape(row.app)}</th>'
        f'<td role="cell" class="image">{escape(row.image).replace("/", "/<wbr>")}</td>{cells}</tr>'
    )


def _findable(row: TableRow) -> Iterator[str]:
    yield from (row.app, row.image)
    for cell in row.cells.values():
        yield from (_short(one.version) for one in cell.running)
        yield from (_short(one.version) for one in cell.proposed)


def _cell(name: str, cell: Cell | None, now: datetime) -> str:
    parts = [_running(one, now) for one in cell.running] if cell is not None else []
    if not parts:
        parts.append('<span class="none">not there</span>')
    if cell is not None and cell.differs_from:
        parts.append(f'<p class="differs">differs from {escape(", ".join(cell.differs_from))}</p>')
    parts += [_proposed(one) for one in cell.proposed] if cell is not None else []
    return f'<td role="cell" data-label="{escape(name)}">{"".join(parts)}</td>'


def _running(one: Running, now: datetime) -> str:
    digest = f' title="{escape(one.version.digest)}"' if one.version.digest is not None else ""
    age = ""
    if one.changed is not None:
        age = " " + _time(one.changed, relative_age((now - one.changed).total_seconds()))
    held = f'<p class="held">held: {escape(one.held)}</p>' if one.held is not None else ""
    return f"<div><code{digest}>{escape(_short(one.version))}</code>{age}</div>{held}"


def _proposed(one: Proposed) -> str:
    link = _link(one.request.url, f"!{one.request.iid}")
    return f'<p class="proposed">proposed: <code>{escape(_short(one.version))}</code> in {link}</p>'


def _short(version: Version) -> str:
    return version.tag or str(version)


def _time(at: datetime, text: str) -> str:
    return f'<time datetime="{at.astimezone(UTC).isoformat()}" title="{_utc(at)}">{text}</time>'


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
