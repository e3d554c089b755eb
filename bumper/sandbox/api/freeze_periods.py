"""/projects/:id/freeze_periods: when the project's deployments are frozen."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from bumper.gate.freeze import zone_of
from bumper.sandbox.api.call import Answer, Call, page_of
from bumper.sandbox.behaviour.errors import bad_request, not_found
from bumper.sandbox.state.records import Role
from bumper.sandbox.state.settings import FreezePeriod
from bumper.sandbox.state.world import now


def list_all(call: Call) -> Answer:
    """GET: every period, the oldest first."""
    call.require_role(Role.REPORTER)
    return page_of(call, call.project.freeze_periods, asdict)


def create(call: Call) -> Answer:
    """POST: a new period, in UTC where no time zone is named."""
    call.require_role(Role.MAINTAINER)
    call.parameters.require("freeze_start", "freeze_end")
    start, end = call.parameters.text("freeze_start").strip(), call.parameters.text("freeze_end").strip()
    at = now()
    made = FreezePeriod(start, end, call.parameters.text("cron_timezone", "UTC"), call.world.next_id(), at, at)
    wrong = {name: [" is invalid syntax"] for name in _wrong(made)}
    if wrong:
        raise bad_request(wrong)
    call.world.update_project(call.project, freeze_periods=(*call.project.freeze_periods, made))
    return Answer(asdict(made), 201)


def delete(call: Call) -> Answer:
    """DELETE: the period is over."""
    call.require_role(Role.MAINTAINER)
    left = tuple(one for one in call.project.freeze_periods if str(one.id) != call.arguments["number"])
    if left == call.project.freeze_periods:
        raise not_found()
    call.world.update_project(call.project, freeze_periods=left)
    return Answer(status=204)


def _wrong(period: FreezePeriod) -> Iterator[str]:
    """What of it GitLab does not understand."""
    for name, expression in (("freeze_start", period.freeze_start), ("freeze_end", period.freeze_end)):
        try:
            CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError:
            yield name
    if zone_of(period.cron_timezone) is None:
        yield "cron_timezone"
