"""Results for people: tables and sentences."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bumper.cli.screen import Column, Screen, Style, count, short_names, styled, table, wrapped
from bumper.clock import show_time
from bumper.values.pin import format_path

if TYPE_CHECKING:  # a command on local files imports nothing else
    from bumper.commands.doctor.check import Check
    from bumper.commands.history import History
    from bumper.commands.images import KeptImages
    from bumper.commands.init import Initialized
    from bumper.commands.pins import ListedPins
    from bumper.commands.set_tag import SetTags
    from bumper.commands.status import Status
    from bumper.delivery.result import Result
    from bumper.gate.check import Verdict
    from bumper.gate.rules import Waiting
    from bumper.records.record import Record
    from bumper.values.change import Change

_NOTHING = "-"
_WORDS = {Style.GOOD: "ok  ", Style.BAD: "FAIL", Style.ATTENTION: "warn"}  # of a check
_SIGNS = {Style.GOOD: "✓", Style.BAD: "✗", Style.ATTENTION: "!"}
_MAX_ROWS = 20  # without -v
_STYLES = {
    "proposed": Style.GOOD,
    "merged": Style.GOOD,
    "committed": Style.GOOD,
    "held": Style.ATTENTION,
    "superseded": Style.ATTENTION,
}


def result_text(result: "Result", screen: Screen, *, with_rows: bool = True) -> str:
    """What bump, promote, rollback, hold or unhold does to which application, and where to look.

    Without ``with_rows`` the changes are left out: whoever was asked about them has them on the screen.
    """
    status = f"{result.environment}: {styled(result.status, _STYLES.get(result.status, Style.STRONG))}"
    head = f"{status}, {_summary(result)}" if len(result.changes) > 1 else status
    lines = wrapped(head, screen.width, "", "  ")
    if with_rows:
        most = None if screen.verbose or result.status == "dry-run" else _MAX_ROWS
        lines += _changes(result.changes, screen, most) or _kept(result.kept, screen)
        lines += _around(result, screen)
    if result.preview:
        lines += ["", result.diff.rstrip("\n"), "", _preview(result.preview, screen.width)]
    if (request := result.merge_request) is not None:
        after = f" after {result.waited:.0f} s" if result.waited is not None else ""
        is_merged = request.state == "merged"
        what = f"merged !{request.iid}{after}" if is_merged else f"merge request !{request.iid} {request.action}"
        lines.append(f"{what}: {request.url}")
    elif result.commit is not None:
        lines.append(f"commit {result.commit[:12]} pushed to {result.branch}")
    return "\n".join(lines)


def question_text(result: "Result", screen: Screen) -> str:
    """What somebody is asked about: every change, and last, where they look, how many those are."""
    summary = f"{result.environment}: {_summary(result)}"
    return "\n".join([*_changes(result.changes, screen), *_around(result, screen), summary])


def _summary(result: "Result") -> str:
    """``103 images in 102 applications, 1 held``."""
    images = count(len({(change.app, change.image) for change in result.changes}), "image")
    apps = count(len({change.app for change in result.changes}), "application")
    return f"{images} in {apps}" + (f", {len(result.held)} held" if result.held else "")


def _around(result: "Result", screen: Screen) -> list[str]:
    """What becomes of a hold, what a hold stops, and what waits."""
    held, waiting = styled("held", Style.ATTENTION), styled("waiting", Style.ATTENTION)
    sentences = [result.hold] if result.hold else []
    sentences += [
        f"{held}: {one.change.app} {one.change.image} stays at {one.change.before} ({one.reason})"
        for one in result.held
    ]
    sentences += [f"{waiting}: {_waiting(one)}" for one in result.waiting]
    return [line for sentence in sentences for line in wrapped(sentence, screen.width, "  ", "    ")]


def _waiting(one: "Waiting") -> str:
    """An application that waits; a freeze says its end itself."""
    until = f", until {show_time(one.until)}" if one.until and show_time(one.until) not in one.reason else ""
    return f"{one.app}: {one.reason}{until}"


def _changes(changes: "Sequence[Change]", screen: Screen, most: int | None = None) -> list[str]:
    """The changes as a table, with their files only for ``-v``; at most so many of them."""
    names = short_names(screen, (str(change.image) for change in changes))
    more = len(changes) - len(changes[:most])
    ending = [styled(f"  and {more} more; -v lists all", Style.QUIET)] if more else []
    return [*table(screen, [_cells(change, names, screen) for change in changes[:most]], indent="  "), *ending]


def _cells(change: "Change", names: Mapping[str, str], screen: Screen) -> list[str]:
    """Application, image and from what to what; hold and unhold leave the tag as it is."""
    versions = f"{change.before} -> {change.after}" if change.before != change.after else str(change.before)
    place = [f"{change.file}:{change.line}"] if screen.verbose else []
    return [change.app, names[str(change.image)], versions, *place]


def _kept(pins: "Sequence[Change]", screen: Screen) -> list[str]:
    """What runs as asked for already."""
    names = short_names(screen, (str(pin.image) for pin in pins))
    rows = list(dict.fromkeys((pin.app, names[str(pin.image)], f"is at {pin.before} already") for pin in pins))
    more = [f"  and {len(rows) - _MAX_ROWS} more"] if len(rows) > _MAX_ROWS else []
    return [*table(screen, rows[:_MAX_ROWS], indent="  "), *more]


def _preview(text: str, width: int | None) -> str:
    """A merge request's words, without the table, which the screen has above, where it is too wide."""
    if width is None:
        return text
    lines = text.split("\n")
    if any(line.startswith("|") and len(line) > width for line in lines):
        lines = [line for line in lines if not line.startswith("|")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(part for line in lines for part in wrapped(line, width, "", "  ")))


def status_text(status: "Status", screen: Screen, *, every_row: bool) -> str:
    """A table with a column for each environment; without ``every_row`` only what differs, is held or is proposed.

    One environment alone, compared with nothing, is shown with every row.
    """
    rows, telling = _rows(status)
    names = list(status.overview.environments)
    shown = {key: cells for key, cells in rows.items() if every_row or len(names) == 1 or key in telling}
    images = short_names(screen, (image for _, image in shown))
    columns = (Column("app"), Column("image"), *(Column(name, labelled=True) for name in names))
    cells = [[app, images[image], *(own.get(name, _NOTHING) for name in names)] for (app, image), own in shown.items()]
    lines = table(screen, cells, columns) if shown else []
    if hidden := len(rows) - len(shown):
        verb, them = ("is", "it") if hidden == 1 else ("are", "them")
        lines.append(f"{hidden} of {count(len(rows), 'row')} {verb} the same everywhere; --all shows {them}.")
    return "\n".join([*lines, *(line for note in _notes(status) for line in wrapped(note, screen.width, "", "  "))])


def _rows(status: "Status") -> tuple[dict[tuple[str, str], dict[str, str]], set[tuple[str, str]]]:
    """By application and image, the tags in each environment, and which of these differ, are held or are proposed.

    An asterisk marks a hold, a colour what differs.
    """
    overview, one_name = status.overview, status.overview.one_name
    cells: defaultdict[tuple[str, str], defaultdict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    changes = [change for one in status.merge_requests for change in one.record.changes]
    telling = {(change.app, one_name.get(str(change.image), str(change.image))) for change in changes}
    for name, rows in overview.environments.items():
        for row in rows:
            key, held = (row.app, one_name[row.image]), row.held is not None
            cells[key][name][(row.tag or (row.digest or "(empty)")[:19]) + ("*" if held else "")] = None
            if held:
                telling.add(key)
    found = {key: {name: ", ".join(tags) for name, tags in cells[key].items()} for key in sorted(cells)}
    for one in overview.drift:
        source, *others = one.tags
        own = found[one.app, one.image]
        own |= {name: styled(own[name], Style.ATTENTION) for name in others if one.tags[name] != one.tags[source]}
        telling.add((one.app, one.image))
    return found, telling


def _notes(status: "Status") -> Iterator[str]:
    """What a table has no room for: why something is held or waits, and which merge requests are open."""
    for name, own in status.overview.environments.items():
        for row in own:
            if row.held is not None:
                yield f"{styled('held', Style.ATTENTION)} in {name}: {row.app} {row.image} ({row.held})"
    for name, listed in status.waiting.items():
        yield from (f"{styled('waiting', Style.ATTENTION)} for {name}: {_waiting(one)}" for one in listed)
    for recorded in status.merge_requests:
        one = recorded.merge_request
        yield f"{styled(f'!{one.iid}', Style.GOOD)} {one.title}{_urgent(recorded.record)}: {one.url}"


def _urgent(record: "Record | None") -> str:
    return f" (urgent: {record.urgent})" if record is not None and record.urgent is not None else ""


def history_text(history: "History", screen: Screen) -> str:
    """One line a change, the newest first; what is watched has an outcome."""
    changes = [(one, change) for one in history.deployments for change in one.changes]
    used = {(change.app, str(change.image)) for _, change in changes}
    before = {str(change.image_before) for _, change in changes if change.image_before is not None}
    images = short_names(screen, [*(image for _, image in used), *before])
    is_spare = len({app for app, _ in used}) == len(used)  # an application has one image: its name says which
    columns = [Column("when"), Column("app"), Column("image", spare=is_spare)]
    columns += [Column("from", labelled=True), Column("to", labelled=True), Column("who"), Column("mr")]
    columns += [Column("outcome", labelled=True)] if history.outcomes else []
    columns += [Column("commit")] if screen.verbose else []
    rows = []
    for one, change in changes:
        row = [one.at.astimezone().isoformat(" ", "minutes")]  # local, with the offset: --since takes it
        row += [change.app, images[str(change.image)]]
        row += [f"{change.image_before}:{change.before}" if change.image_before is not None else str(change.before)]
        row += [str(change.after), f"{one.author}{_urgent(one.record)}"]
        row += [f"!{one.merge_request}" if one.merge_request else _NOTHING]
        if history.outcomes:
            outcome = history.outcomes.get(one.merge_request or 0)
            row += [outcome.words if outcome is not None else _NOTHING]
        rows.append([*row, one.commit[:12]][: len(columns)])
    lines = (
        table(screen, rows, columns)
        if history.deployments
        else [f"{history.environment}: no deployment in the history"]
    )
    more = [] if history.complete else ["older ones are left out; --limit, --since and --app look further back"]
    return "\n".join([*lines, *more])


def images_text(found: "KeptImages", _screen: Screen) -> str:
    """Each image once, one a line."""
    return "\n".join(sorted({str(one.image) for one in found.images}))


def check_text(verdict: "Verdict", screen: Screen) -> str:
    """What changes, as a table, and one line a finding."""
    found = [(one.environment, change) for one in verdict.changes if (change := one.change) is not None]
    names = short_names(screen, (str(change.image) for _, change in found))
    lines = table(screen, [[environment, *_cells(change, names, screen)] for environment, change in found])
    lines += [
        f"{styled(f'{one.file}:{one.line}', Style.BAD)}: {one.rule}: {one.message}: {one.fix}"
        for one in verdict.findings
    ]
    return "\n".join(lines) or "no pin changes"


def doctor_text(checks: "Sequence[Check]", screen: Screen, *, encoding: str) -> str:
    """The checks by what they are about; the marks are signs where ``encoding`` has them, else words."""
    try:
        "".join(_SIGNS.values()).encode(encoding)
        marks = _SIGNS
    except (UnicodeEncodeError, LookupError):
        marks = _WORDS
    lines = []
    for group in dict.fromkeys(check.group for check in checks):
        lines.append(styled(group, Style.STRONG))
        for check in (check for check in checks if check.group == group):
            kind = Style.GOOD if check.next_step is None else Style.ATTENTION
            kind = kind if check.ok else Style.BAD
            text = f"{styled(marks[kind], kind)} {check.name}: {check.found}"
            lines += wrapped(text, screen.width, "  ", " " * 6)
            if check.next_step is not None:
                lines += wrapped(f"-> {check.next_step}.", screen.width, " " * 4, " " * 7)
    advice = sum(check.ok and check.next_step is not None for check in checks)
    if all(check.ok for check in checks):
        lines.append(f"All {len(checks)} checks passed" + (f", {advice} with advice." if advice else "."))
    return "\n".join(lines)


def init_text(done: "Initialized", screen: Screen) -> str:
    """What bumper finds with the bumper.yaml, and where that is; for a dry run, its text."""
    from bumper.environments.config import SCHEMA_FILE
    from bumper.environments.discovery.init_text import printable

    if done.nothing is not None:
        return done.text
    numbers = (Column(name, labelled=True) for name in ("apps", "tags", "files", "bases"))
    rows = []
    for one in done.environments:
        first, *more = one.patterns
        rows.append([one.name, *map(str, (one.applications, one.pins, one.files, one.bases)), first])
        rows += [["", "", "", "", "", pattern] for pattern in more]
    lines = [*table(screen, rows, [Column("environment"), *numbers, Column("values")]), ""] if rows else []
    if done.written is None:
        return "\n".join([*lines, done.text.rstrip("\n")])
    place = printable(str(done.written))
    wrote = f"Wrote {place} and, for editors, {SCHEMA_FILE}; read it, then commit and merge both."
    return "\n".join([*lines, wrote])


def pins_text(listed: "ListedPins", screen: Screen) -> str:
    """One pin a line: place, path, image and what it holds."""
    rows = [
        [f"{file}:{pin.line}:", format_path(pin.path), str(pin.repository or f"({pin.unnamed})"), str(pin.version)]
        for file, pin in listed.pins
    ]
    return "\n".join(table(screen, rows)) or "no pins"


def set_text(done: "SetTags", screen: Screen) -> str:
    """One change a line."""
    rows = [
        [f"{change.file}:{change.line}:", change.path, str(change.image), f"{change.before} -> {change.after}"]
        for change in done.changes
    ]
    return "\n".join(table(screen, rows)) or "unchanged"
