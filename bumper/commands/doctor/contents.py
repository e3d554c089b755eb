"""What the repository holds, and what becomes of it elsewhere.

That is bumper.yaml, the files and pins of every environment and what of them cannot be edited; whether bumper can judge
soak and freeze; the images that registries have, and what Argo CD deploys.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice, zip_longest

from bumper.argocd.server import connect_to_argocd
from bumper.clock import format_duration, show_time
from bumper.commands.doctor.check import Report, in_one_line
from bumper.environments.config_models import CONFIG_FILE
from bumper.environments.discovery.manifests import Manifest, read_manifests
from bumper.environments.discovery.survey import compare_coverage
from bumper.environments.discovery.tree import Tree
from bumper.environments.effective import find_overrides
from bumper.environments.gather import pin_paths
from bumper.environments.repository import (
    RepositoryConfig,
    Target,
    odd_layout,
    open_environment,
    read_repository_config,
)
from bumper.errors import BumperError, Refused
from bumper.gate.freeze import NEVER, frozen_until, read_periods
from bumper.git.checkout import Checkout, read_files
from bumper.gitlab.connection import GitLab
from bumper.image import ImageReference, Repository, is_tag
from bumper.records.history import Depth, rollback_targets
from bumper.records.line import Line
from bumper.registry.credentials import find_credentials
from bumper.registry.resolve import RegistryAccess, resolve_all
from bumper.values.values_file import describe

_MAX_IMAGES = 3  # of one registry
_MAX_TARGETS = 50  # rollback targets, the newest of each environment


def check_config(report: Report, checkout: Checkout) -> RepositoryConfig | None:
    """Check bumper.yaml, or the usual layouts where there is none; None where it is wrong."""
    setup = None
    with report.check("config"):
        setup = read_repository_config(checkout)
        names = ", ".join(setup.layout.environments)
        found = f"{CONFIG_FILE} is valid" if setup.written is not None else f"no {CONFIG_FILE}, usual layouts"
        if not names:
            next_step = f"name them in {CONFIG_FILE} (bumper init writes one)"
            raise Refused(f"{found}; no environment is found", next_step)
        report.add("config", f"{found}; environments: {names}")
    return setup


def examine_environments(report: Report, checkout: Checkout, setup: RepositoryConfig) -> list[Target]:
    """Check every environment's files and pins; one that is broken does not hide the others, which are returned."""
    targets: list[Target] = []
    for name in setup.layout.environments:
        with report.check(f"environment {name}"):
            targets.append(open_environment(checkout, setup, name))
            _check_environment(report, targets[-1])
    for name, odd in odd_layout(setup):
        report.add(f"environment {name}", odd.what, odd.next_step)
    for target in targets:
        _report_uneditable(report, target)
    return targets


def _check_environment(report: Report, target: Target) -> None:
    gathered, at = target.gathered, target.environment.config.at
    settable = sum(found.pin.refusal is None and found.pin.repository is not None for found in gathered.pins)
    files = len({path for app in target.environment.apps for path in app.values})
    found = f"{_number(len(gathered.apps), 'application')}, {_number(files, 'file')}"
    if not settable:
        next_step = f"give its files tags, or name the images of bare ones under images in {CONFIG_FILE}"
        if at is not None and not gathered.pins:
            next_step = f"correct at ({at}) in {CONFIG_FILE}: there is no image below it"
        raise Refused(f"{found}, but no tag that can be set", next_step)
    report.add(f"environment {target.environment.name}", f"{found}, {_number(settable, 'tag')} that can be set")


def _report_uneditable(report: Report, target: Target) -> None:
    """Report what bump leaves alone and why: files that it cannot read, tags that it cannot set."""
    gathered, name = target.gathered, f"values of {target.environment.name}"
    found = [in_one_line(refusal) for refusal in (*gathered.unreadable_files.values(), *gathered.idle_holds)]
    for one in gathered.pins:
        place = describe(gathered.values[one.file], one.pin)
        if one.pin.refusal is not None:
            by_hand = f"write it as a plain tag, or name the image under ignore in {CONFIG_FILE}"
            next_step = f"add the tag to {one.file}" if one.pin.absent else by_hand
            found.append((f"{place} cannot be set: {one.pin.refusal}", next_step))
        elif one.pin.repository is None:
            found.append((f"{place} names no image", f"name it under images in {CONFIG_FILE}"))
    if gathered.shared:
        first, tags = gathered.shared[0], _number(len(gathered.shared), "tag")
        place = describe(gathered.values[first.file], first.pin)
        what = f"{tags} only in shared files, which are never written ({place})"
        next_step = f"add those that a bump is to set to the environment's own files ({first.own_file})"
        found.append((what, next_step))
    report.add_first(name, found, "more that cannot be edited")
    if not found:
        report.add(name, "everything can be edited")


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def examine_gate(report: Report, targets: Iterable[Target], gitlab: GitLab | None, now: datetime) -> None:
    """Check whether bumper can judge the freeze and the soak of the environments that have them."""
    for target in targets:
        rules, name = target.environment.config, target.environment.name
        if rules.freeze is not None:
            with report.check(f"freeze of {name}"):
                report.add(f"freeze of {name}", *_explain_freeze(target, gitlab, now))
        if rules.soak is not None:
            with report.check(f"soak of {name}"):
                report.add(f"soak of {name}", _explain_soak(target, rules.soak, gitlab, now))
            if not rules.promote_from:
                report.add(
                    f"soak of {name}",
                    f"soak applies to promotions, and {name} takes bumps as well (no promote_from), which need no soak",
                    f"write promote_from below environments.{name}, or leave soak out",
                )


def _explain_freeze(target: Target, gitlab: GitLab | None, now: datetime) -> tuple[str, str | None]:
    periods = read_periods(target.environment, gitlab)
    whose = "bumper.yaml's" if target.environment.config.freeze else "GitLab's"
    listed = f"{len(periods)} of {whose} periods" if len(periods) != 1 else f"one of {whose} periods"
    until = frozen_until(periods, now)
    state = "not frozen now" if until is None else "frozen now"
    if until is not None and until != NEVER:
        state += f", until {show_time(until)}"
    if not periods:
        return f"there are no freeze periods in GitLab; {state}", "add them in Settings > CI/CD > Deploy freezes"
    return f"{listed} can be read; {state}", None


def _explain_soak(target: Target, soak: float, gitlab: GitLab | None, now: datetime) -> str:
    line = Line(target.checkout, now, now - timedelta(seconds=soak), gitlab)
    is_enough = any(map(line.is_old_enough, line.stretches()))
    if line.is_cut and not is_enough:
        what = f"the history of {line.branch} that can be read is younger than {format_duration(soak)}"
        raise Refused(what, "shorten soak: until then nothing has soaked")
    without = "" if gitlab is not None else "; without a token for GitLab's API the commits' own dates count"
    return f"the history of {line.branch} shows what has been there for {format_duration(soak)}{without}"


def examine_registries(report: Report, targets: Sequence[Target], environ: Mapping[str, str]) -> None:
    """Check whether each registry shows some of the images that the environments run, and what a rollback needs.

    The registries are asked all at once, about few images each.
    """
    if not targets:
        return
    access, images = targets[0].registry_access(environ), _images_by_registry(targets)
    try:
        found = resolve_all([image for some in images.values() for image in some], access)
        for host, some in images.items():
            with report.check(f"registry {host}"):
                _check_registry(report, host, {image: found[image] for image in some}, access)
        _check_rollback_targets(report, targets, access)
    except BumperError as error:  # the CA file
        report.fail("registries", error)


def _images_by_registry(targets: Iterable[Target]) -> dict[str, list[ImageReference]]:
    """By registry a few images, by the tags that the values have: as many repositories as there are, then more tags."""
    tags: dict[str, dict[Repository, dict[ImageReference, None]]] = {}
    for target in targets:
        for found in target.gathered.pins:
            repository, tag = found.pin.repository, found.pin.tag
            if repository is not None and found.pin.refusal is None and tag is not None and is_tag(tag):
                own = tags.setdefault(repository.host, {}).setdefault(repository, {})
                own[ImageReference(repository, tag, None)] = None
    chosen = {}
    for host, images in tags.items():
        rounds = (image for some in zip_longest(*images.values()) for image in some if image is not None)
        chosen[host] = list(islice(rounds, _MAX_IMAGES))
    return chosen


def _check_registry(
    report: Report, host: str, found: Mapping[ImageReference, str | BumperError], access: RegistryAccess
) -> None:  # fmt: skip
    name, login = f"registry {host}", find_credentials(host, access.environ)
    errors = [answer for answer in found.values() if isinstance(answer, BumperError)]
    for error in errors:
        if not isinstance(error, Refused):
            raise error
    shown = [image for image, answer in found.items() if isinstance(answer, str)]
    if shown:
        whom = f"the login from {login.source}" if login is not None else "a request without a login"
        report.add(name, f"shows {shown[0]} to {whom}")
    else:
        report.add(name, *in_one_line(errors[0]))


def _check_rollback_targets(report: Report, targets: Sequence[Target], access: RegistryAccess) -> None:
    """Check whether the registries still have what the last deployments replaced; not those that cannot say."""
    back = [
        image.with_digest(None) if image.tag is not None else image
        for target in targets
        for _, image in rollback_targets(target, None, Depth()).images[:_MAX_TARGETS]
    ]
    answers = resolve_all(back, access)
    gone = [str(image) for image, answer in answers.items() if isinstance(answer, Refused)]
    if gone:
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        next_step = "have its clean-up keep what `bumper images` lists, or push the image again"
        report.add("rollback targets", f"the registry no longer has {gone[0]}{more}", next_step)
    elif any(isinstance(answer, str) for answer in answers.values()):
        report.add("rollback targets", "the registries have what could be rolled back to")


def examine_argocd(report: Report, checkout: Checkout, targets: Sequence[Target]) -> None:
    """Check what the repository's Applications and ApplicationSets deploy and override, and Argo CD's token.

    Bump needs none of it, but a tag that is overridden is not what runs.
    """
    name = "Argo CD overrides"
    with report.check(name):
        tree = Tree.read(checkout.files, partial(read_files, checkout))
        manifests = read_manifests(tree.sources)
        _examine_coverage(report, tree, manifests, targets)
        overrides = find_overrides(manifests, pin_paths(target.gathered for target in targets))
        overrides += [refusal for target in targets for refusal in target.gathered.overridden]
        found = [(refusal.what, refusal.next_step) for refusal in overrides]
        report.add_first(name, found, "more")
        if not found:
            where = f"in {len(manifests)}" if manifests else "because there are no"
            report.add(name, f"none, {where} Applications and ApplicationSets in this repository")
        _check_token(report, checkout, targets)


def _examine_coverage(report: Report, tree: Tree, manifests: Sequence[Manifest], targets: Sequence[Target]) -> None:
    """Report Argo CD's applications and files with tags that no environment has: bump changes none of them."""
    apps = [app for target in targets for app in target.environment.apps]
    coverage = compare_coverage(
        tree,
        manifests,
        {path for app in apps for path in app.values},
        {path for app in apps for path in app.bases},
    )
    add_values = f"add its values file to an environment in {CONFIG_FILE} if bumper is to change it"
    add_file = f"add it to an environment's values in {CONFIG_FILE} if it is deployed from here"
    for next_step, found in (
        (add_values, [f"no environment covers Argo CD's application {name}" for name in coverage.applications]),
        (add_file, [
            f"{path} holds {count} {'tag' if count == 1 else 'tags'} and belongs to no environment"
            for path, count in coverage.files.items()
        ]),
        ("compare it with the environments yourself", coverage.unknown),
    ):  # fmt: skip
        report.add_first("coverage", [(text, next_step) for text in found], "more like these", next_step)
    if not (coverage.applications or coverage.files):
        report.add("coverage", "every file with tags belongs to an environment")


def _check_token(report: Report, checkout: Checkout, targets: Sequence[Target]) -> None:
    """Check whether there is one, and whether it may be sent to where bumper.yaml says that Argo CD is."""
    servers = {target.environment.name: target.environment.config.argocd for target in targets}
    used = {name: argocd.server for name, argocd in servers.items() if argocd is not None}
    token = checkout.settings.argocd_token
    if used and token is None:
        found = f"none, so that bumper can neither wait for {', '.join(used)} nor see whether it is healthy"
        report.add("Argo CD token", found, "set ARGOCD_AUTH_TOKEN to a token of Argo CD")
        return
    for url in dict.fromkeys(used.values()):
        try:
            connect_to_argocd(url, None, checkout.settings)
        except BumperError as error:
            report.add("Argo CD token", *in_one_line(error))
        else:
            report.add("Argo CD token", f"in {token.source if token is not None else 'none'}, for {url}")
