"""A bump or a promotion that Argo CD reports sick is rolled back by the job that made it: in git, with a hold.

At most once, of exactly its own merge request, and only of what was well before: everything else is a person's to
decide, and the failure names it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bumper.commands.rollback import RollbackRequest, rollback_once
from bumper.delivery.attempt import Attempt, DeliveryOptions, remake_after_lost_push
from bumper.delivery.result import NotDone, ProposedAt, Result, Status
from bumper.delivery.watch import WatchedApplication
from bumper.delivery.watched import Undo, explain
from bumper.errors import BumperError
from bumper.git.checkout import refreshed
from bumper.planning.description import Watching
from bumper.planning.rollback import MovedOn
from bumper.records.record import read_comment

_ILL_BEFORE = "it was not healthy before this merge, or Argo CD did not say so"
_MAX_REASON = 200  # characters of Argo CD's words in a hold, which stands at the end of a line


def undo_by_rollback(attempt: Attempt) -> Undo:
    """What undoes a bump or a promotion."""

    def undo(done: Result, applications: Sequence[WatchedApplication], watching: Watching) -> NotDone:
        return _SelfRollback(attempt, done, tuple(applications), watching).run()

    return undo


@dataclass(frozen=True, slots=True)
class _SelfRollback:
    attempt: Attempt
    done: Result
    applications: tuple[WatchedApplication, ...]
    watching: Watching

    def run(self) -> NotDone:
        """Roll back what is sick and was well before; the failure says what became of it."""
        apps = tuple(dict.fromkeys(app for one in self._curable for app in self._apps_of(one)))
        why_not = self._why_not(apps)
        if why_not is not None:
            return self._not_rolled_back(why_not)
        try:
            rolled_back = self._roll_back(apps)
        except NotDone as waited:
            return self._ended(waited.result, waited)
        except MovedOn as moved:
            return self._failure(f"nothing was rolled back, because {moved.what}", f"see {self._pages}")
        except BumperError as error:
            return self._not_rolled_back(f"the rollback failed ({error.what})")
        return self._ended(rolled_back)

    @property
    def _curable(self) -> list[WatchedApplication]:
        """What is sick, was well before, and was changed by the request."""
        return [one for one in self.applications if one.turned_sick and self._apps_of(one)]

    def _apps_of(self, one: WatchedApplication) -> list[str]:
        """The applications that the request changed among those that an Argo CD application runs."""
        changed = {change.app for change in self.done.changes}
        return list(dict.fromkeys(image.app for image in one.expected.images if image.app in changed))

    def _why_not(self, apps: Sequence[str]) -> str | None:
        if not apps:
            return _ILL_BEFORE
        if self.done.merge_request is None or self.done.status is not Status.MERGED:
            return "no merge request of this job brought it"
        newer = self._newer_request(apps)
        return f"!{newer} proposes another version already" if newer is not None else None

    def _newer_request(self, apps: Sequence[str]) -> int | None:
        """An open merge request of bumper's for another version of what would be rolled back."""
        known = self.attempt.known
        if known is None:
            return None
        ours = {one.place: one.after for one in self.done.changes if one.app in apps}
        for other in known.opened_now():
            record = read_comment(other.description)
            changes = record.changes if record is not None else ()
            is_other = any(ours.get(one.place, one.after) != one.after for one in changes)
            if is_other and known.is_bumpers(other.author):
                return other.iid
        return None

    def _roll_back(self, apps: tuple[str, ...]) -> Result:
        """Open the rollback; where the environment lets it be merged by itself, wait until it runs and is healthy."""
        session, options, target = self.attempt.session, self.attempt.options, self.attempt.target
        merges = target.environment.config.auto_merge and options.auto_merge is not False
        seconds = self.watching.seconds if merges else None
        words = "; ".join(one.course.last.reason for one in self._curable)
        request = RollbackRequest(
            self.done.environment, apps, merge_request=self._request.iid, hold=f"Argo CD: {words}"[:_MAX_REASON],
            verify=False, by_itself=True,
        )  # fmt: skip
        own = DeliveryOptions(
            people=options.people, labels=options.labels, auto_merge=merges, wait_deployed=seconds, steady=0.0
        )  # fmt: skip
        session.show(f"{self._sick}; rolling !{self._request.iid} back")
        afresh = replace(session, began=session.clock.monotonic())
        return remake_after_lost_push(
            refreshed(target.checkout),
            lambda tip: rollback_once(request, own, tip, afresh, lambda _: None),
            afresh.clock,
        )

    @property
    def _request(self) -> ProposedAt:
        assert self.done.merge_request is not None  # noqa: S101 - asked before
        return self.done.merge_request

    @property
    def _sick(self) -> str:
        return "; ".join(explain(one, self.watching) for one in self.applications if one.is_sick)

    @property
    def _pages(self) -> str:
        return ", ".join(dict.fromkeys(one.page for one in self.applications if one.is_sick))

    @property
    def _others(self) -> str:
        """The applications that stay as they are, each by its name; several may run the same values."""
        curable = self._curable
        back = {app for one in curable for app in self._apps_of(one)}
        left = [one for one in self.applications if back.isdisjoint(self._apps_of(one))]
        ill = [f"{one.name} stays as it is, because {_ILL_BEFORE}" for one in left if one.is_sick and curable]
        others = [f"{explain(one, self.watching)}, and stays" for one in left if not one.is_sick]
        return "".join(f"; {sentence}" for sentence in (*ill, *others))

    def _failure(self, what: str, next_step: str, rolled_back: Result | None = None) -> NotDone:
        return NotDone(f"{self._sick}; {what}{self._others}", next_step, replace(self.done, rollback=rolled_back))

    def _not_rolled_back(self, why: str) -> NotDone:
        number = self.done.merge_request.iid if self.done.merge_request is not None else None
        command = f": `bumper rollback {self.done.environment} --mr {number}`" if number is not None else ""
        return self._failure(
            f"nothing was rolled back, because {why}",
            f"see {self._pages}, and roll back by hand if that helps{command}",
        )

    def _ended(self, rolled_back: Result, waited: NotDone | None = None) -> NotDone:
        """The failure once there is a rollback: merged and healthy, merged and not, or still open."""
        made, environment = rolled_back.merge_request, self.done.environment
        if made is None:
            return self._not_rolled_back("its tags were changed back already")
        apps = tuple(dict.fromkeys(one.app for one in rolled_back.changes))
        by = f"!{self._request.iid} ({self._request.url}) is rolled back by !{made.iid} ({made.url})"
        again = ", ".join(dict.fromkeys(f"{one.app} {one.after}" for one in rolled_back.changes))
        if made.state != "merged":
            still = ", ".join(dict.fromkeys(f"{one.app} {one.before}" for one in rolled_back.changes))
            why = f" ({waited.what})" if waited is not None else ""
            what = f"{by}, which is not merged yet{why}, so {environment} still runs {still}"
            return self._failure(
                what, f"{self._who} has to approve and merge it; its hold works from then on", rolled_back
            )
        if waited is not None:
            return self._failure(
                f"{by}, but {again} is not healthy either: {waited.what}", waited.next_step, rolled_back
            )
        return self._failure(
            f"{by}; {environment} runs {again} again, healthy and held",
            f"find out why, then run `bumper unhold {environment} {' '.join(f'--app {app}' for app in apps)}`",
            rolled_back,
        )

    @property
    def _who(self) -> str:
        """Who has to act: the reviewers, where somebody named any."""
        branch = self.attempt.target.checkout.branch
        return " or ".join(self.attempt.people.reviewers) or f"somebody who may merge into {branch}"
