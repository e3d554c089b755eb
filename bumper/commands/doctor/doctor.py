"""``bumper doctor``: whether bump has all that it needs, and what to do about what is missing."""

import contextlib
from collections.abc import Iterator, Mapping

from bumper.clock import SYSTEM_CLOCK
from bumper.commands.doctor.argocd import examine_argocd
from bumper.commands.doctor.branches import target_branch_without_api
from bumper.commands.doctor.check import Check, grouped
from bumper.commands.doctor.environments import check_config, environments_of, examine_environments, examine_gate
from bumper.commands.doctor.project import ProjectUse, examine_project
from bumper.commands.doctor.registries import examine_registries, examine_rollback_targets
from bumper.commands.doctor.repository import Reached, check_git, check_push, reach
from bumper.commands.doctor.token import check_version, check_without_api, examine_token
from bumper.environments.config_models import Config
from bumper.environments.repository import RepositoryConfig
from bumper.git.checkout import Checkout
from bumper.gitlab.connection import connect, connect_if_possible
from bumper.settings import Settings


def doctor(settings: Settings, environ: Mapping[str, str], *, verify: bool) -> tuple[Check, ...]:
    """Every check that can be made, in the order of what needs what; without ``verify`` no registry is asked.

    What fails is in the checks; those that cannot be made because of it are left out.
    """
    git = check_git()
    with contextlib.ExitStack() as stack:
        reached = reach(stack, settings, environ) if git.ok else Reached((), None)
        checkout = reached.checkout
        config, setup = check_config(checkout) if checkout is not None else (None, None)
        push = check_push(checkout, _branch_prefix(setup)) if checkout is not None else None
        use = _project_use(settings, reached, setup, push)
        checks = grouped("Repository", [git, *reached.checks])
        checks += grouped("GitLab", _ask_gitlab(settings, use))
        checks += grouped("Repository", [push] if push is not None else [])
        checks += grouped("Environments", [config] if config is not None else [])
        if checkout is not None and setup is not None:
            checks += _look_through(checkout, setup, environ, verify=verify)
    return tuple(checks)


def _branch_prefix(setup: RepositoryConfig | None) -> str:
    return (setup.config if setup is not None else Config()).branch_prefix


def _project_use(
    settings: Settings, reached: Reached, setup: RepositoryConfig | None, push: Check | None
) -> ProjectUse:
    by_commit, by_request = environments_of(setup) if setup is not None else ([], [])
    known = setup.config.environments if setup is not None else {}
    return ProjectUse(
        branch=reached.checkout.branch if reached.checkout is not None else settings.branch,
        has_branch=reached.has_branch,
        may_push=push.ok if push is not None and not settings.address.over_ssh else None,
        by_commit=by_commit,
        by_request=bool(by_request) or not by_commit,
        auto_merge=[name for name in by_request if name in known and known[name].auto_merge],
        branch_prefix=_branch_prefix(setup),
        has_rules=any(one.has_rules for one in known.values()),
        files=frozenset(reached.checkout.files) if reached.checkout is not None else None,
    )


def _ask_gitlab(settings: Settings, use: ProjectUse) -> Iterator[Check]:
    """The checks that GitLab's API answers; without a token for it, what is done instead."""
    if settings.token is None or not settings.has_api:
        yield check_without_api(settings)
        if use.branch is not None and use.has_branch:
            yield from target_branch_without_api(use.branch, use.by_commit)
        return
    gitlab = connect(settings)
    token = examine_token(gitlab, settings.token)
    yield from token.checks
    if token.opens_api:
        yield check_version(gitlab)
        yield from examine_project(gitlab, use, token.user)


def _look_through(
    checkout: Checkout, setup: RepositoryConfig, environ: Mapping[str, str], *, verify: bool
) -> Iterator[Check]:
    """The checks of what the repository holds."""
    examined = examine_environments(checkout, setup)
    yield from grouped("Environments", examined.checks)
    gitlab, now = connect_if_possible(checkout.settings), SYSTEM_CLOCK.now()
    yield from grouped("Soak and freeze", examine_gate(examined.targets, gitlab, now))
    if verify:
        yield from grouped("Registries", examine_registries(examined.targets, environ))
        yield from grouped("Registries", examine_rollback_targets(examined.targets, environ))
    yield from grouped("Argo CD", examine_argocd(checkout, examined.targets))
