"""bumper for other programs: find pins, set tags, plan and propose, from bytes to bytes.

No git, no GitLab, no registry and no network: whoever calls it reads the files and delivers the proposal. The same code
is behind the command line. Every function raises ``BumperError`` (``Refused``, ``WrongUsage``) with one sentence that
names what, where and what to do next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bumper.clock import SYSTEM_CLOCK
from bumper.environments.config import check_environments, parse_config
from bumper.environments.config_models import CONFIG_FILE, Config
from bumper.environments.gather import gather
from bumper.environments.layout import read_layout
from bumper.environments.selection import choose_applications
from bumper.errors import Refused, WrongUsage
from bumper.gate.rules import broken_by_bump, missing_digests, refuse
from bumper.image import ImageReference, Repository, parse_image
from bumper.planning.bump import apply_plan, check_images, diff_of
from bumper.planning.bump import plan_bump as plan_edits
from bumper.planning.description import ProposalText, explain_held
from bumper.planning.proposal import Proposal, Request
from bumper.planning.proposal import propose as put_together
from bumper.records.record import Command, Record, one_line
from bumper.values.change import Change, Held
from bumper.values.pin import Pin as FoundPin
from bumper.values.pin import format_path
from bumper.values.requested import edits_for
from bumper.values.tag_edit import set_tags as splice
from bumper.values.values_file import ValuesFile, read_values
from bumper.values.values_file import find_pins as search

_FILE = "values.yaml"


@dataclass(frozen=True, slots=True)
class Pin:
    """A place in a values file that holds the tag (and digest) of an image, settable unless ``refusal`` says why not.

    ``path`` is written as in changes and as ``--path`` takes it: ``image.tag``, ``jobs[0].image``. ``line`` counts from
    1. ``repository`` is None where no file names the image for certain. ``tag`` and ``digest`` are None where they are
    empty, null or not there; ``shape`` names the way in which the file writes the image.
    """

    path: str
    line: int
    repository: Repository | None
    tag: str | None
    digest: str | None
    shape: str
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bump would change: ``files`` are the new bytes by path, ``diff`` is unified.

    ``held`` are changes that a hold stopped; ``warnings`` are sentences. Without changes ``files`` is empty.
    ``apps`` are the globs that were given, ``used_by`` the applications that use the images. ``urgent`` says why it
    passes a freeze.
    """

    environment: str
    images: tuple[ImageReference, ...]
    changes: tuple[Change, ...]
    held: tuple[Held, ...]
    warnings: tuple[str, ...]
    files: Mapping[str, bytes]
    diff: str
    apps: tuple[str, ...]
    used_by: tuple[str, ...]
    config: Config
    urgent: str | None = None


def find_pins(content: bytes, *, name: str = _FILE, bases: Sequence[bytes] = ()) -> tuple[Pin, ...]:
    """The pins of a values file (UTF-8 YAML), in the order of its lines.

    ``bases`` are the files that Helm reads before it, lowest precedence first: a tag without a repository takes the one
    that they name at the same path. A pin that cannot be set says why in ``refusal``. ``name`` stands in messages.

    Raises:
        Refused: the file is not UTF-8, not YAML, or encrypted.
        WrongUsage: a content is text.

    """
    return tuple(
        Pin(format_path(pin.path), pin.line, pin.repository, pin.tag, pin.digest, pin.shape, pin.refusal)
        for pin in _search(name, content, bases)[1]
    )


def set_tags(content: bytes, image: str, *, name: str = _FILE, bases: Sequence[bytes] = ()) -> bytes:
    """The values file with the tag (and digest) of ``image`` in each of its pins, every other byte as it was.

    ``image`` is ``registry/repository:tag[@sha256:digest]``. A digest that no longer fits is cleared.

    Raises:
        Refused: the file cannot be read, nothing in it uses the image, or no pin of it can be set.
        WrongUsage: ``image`` is no image reference with a tag, or a content is text.

    """
    wanted = parse_image(image)
    values, pins = _search(name, content, bases)
    edits, refusals = edits_for(values, [pin for pin in pins if pin.repository == wanted.repository], wanted)
    if not edits:
        raise Refused("\n".join(refusals) or f"{name}: nothing uses {wanted.repository}; find_pins lists what it has.")
    return splice(values, edits)


def plan_bump(
    files: Mapping[str, bytes], environment: str, images: Sequence[str], *, apps: Sequence[str] = (),
    repository: str = "gitops", allow_missing: bool = False, urgent: str | None = None,
) -> Plan:  # fmt: skip
    """What setting the tags of ``images`` in ``environment`` changes.

    ``files`` are the GitOps repository's by path, at least the environment's values files and their bases, and
    bumper.yaml where there is one. ``apps`` are globs. ``repository`` names an application that no folder names.
    ``urgent`` is the reason to go past a freeze, which is recorded; GitLab's own freeze periods cannot be asked here.

    Raises:
        Refused: bumper.yaml is wrong or forbids it, also by a freeze; the environment is unknown, or nothing uses an
            image.
        WrongUsage: an image has no tag, or two, or a file's content is text.

    """
    files = {path: _bytes(path, content) for path, content in files.items()}
    written = parse_config(files[CONFIG_FILE]) if CONFIG_FILE in files else None
    config = written or Config()
    layout = read_layout(written, files, repository)
    check_environments(files.get(CONFIG_FILE, b""), config, layout.environments)
    place = layout.environment(environment)
    wanted = check_images([parse_image(image) for image in images])
    refuse(broken_by_bump(config, place, wanted))
    gathered = gather(place, config, {path: files[path] for path in place.files})
    chosen = choose_applications(gathered.applications, environment, apps)
    planned = plan_edits(
        gathered, environment, wanted, chosen, write_digests=place.config.digests, allow_missing=allow_missing
    )
    refuse(missing_digests(place, [change.reference for change in planned.changes]))
    if planned.changes and place.config.freeze is not None and not (urgent or "").strip():
        from bumper.gate.freeze import find_freeze  # with GitLab's client

        if (frozen := find_freeze(place, None, SYSTEM_CLOCK.now())) is not None:
            raise Refused(str(frozen), frozen.fix)
    content = apply_plan(planned, gathered.values)
    used_by = tuple(found.app for found in gathered.pins if found.pin.repository in {one.repository for one in wanted})
    return Plan(
        environment, wanted, planned.changes, planned.held, planned.warnings, content,
        diff_of(content, gathered.values), tuple(apps), used_by, config,
        one_line(urgent) if urgent is not None else None,
    )  # fmt: skip


def propose(planned: Plan, *, target_branch: str = "main", title: str | None = None) -> Proposal:
    """Branch, commit message, merge request title and description (Markdown) of a plan that changes something.

    The branch is the same for every plan of the same request, whatever its tags.

    Raises:
        Refused: the plan changes nothing.

    """
    if not planned.changes:
        raise Refused(f"{planned.environment}: the plan changes nothing, so there is nothing to propose.")
    asked = Request(
        Command.BUMP,
        planned.environment,
        target_branch,
        tuple(image.repository for image in planned.images),
        planned.apps,
    )
    images = tuple(dict.fromkeys(change.reference for change in planned.changes))
    record = Record(Command.BUMP, planned.environment, images, planned.changes, urgent=planned.urgent)
    rules = planned.config.environments.get(planned.environment)
    text = ProposalText(
        title=title,
        labels=rules.labels if rules is not None else (),
        left_out=tuple(map(explain_held, planned.held)),
        warnings=planned.warnings,
    )
    return put_together(asked, record, text, planned.files, planned.config, planned.apps or planned.used_by)


def _search(name: str, content: bytes, bases: Sequence[bytes]) -> tuple[ValuesFile, tuple[FoundPin, ...]]:
    values, *lower = (read_values(name, _bytes(name, one)) for one in (content, *bases))
    return values, search(values, lower)


def _bytes(name: str, content: bytes) -> bytes:
    """The content of a file, which a caller without types may have decoded: its line ends could be lost then."""
    if isinstance(content, bytes):
        return content
    what = f"{name}: the content is {type(content).__name__}, but the file's bytes are wanted"
    raise WrongUsage(what, "read the file as bytes, or encode the text")
