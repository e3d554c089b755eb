"""A bump or a promotion that Argo CD reports sick is rolled back by the job that made it: in git, with a hold.

At most once, of exactly its own merge request, and only of what was well before: everything else is a person's to
decide, and the failure names it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bumper.commands.rollback import RollbackRequest, rollback_once
from bumper.delivery.attempt import Attempt, DeliveryOptions, remake_after_lost_push
from bumper.delivery.result import NotDone, ProposedAt, Result, Status
from bumper.delivery.watch import WatchedApplication
from bumper.delivery.watched import explain
from bumper.errors import BumperError
from bumper.git.checkout import refreshed
from bumper.planning.description import Watching
from bumper.planning.rollback import MovedOn
from bumper.records.record import read_comment

_ILL_BEFORE = "it was not healthy before this merge, or Argo CD did not say so"
_MAX_REASON = 200  # characters of Argo CD's words in a hold, which stands at the end of a line


def undo_by_rollback(
    attempt: Attempt, done: Result, applications: Sequence[WatchedApplication], watching: Watching
) -> NotDone:  # fmt: skip
    """Roll back what is sick and was well before; the failure says what became of it."""
    return _SelfRollback(attempt, done, applications, watching).run()


class _SelfRollback:
    def __init__(
        self, attempt: Attempt, done: Result, applications: Sequence[WatchedApplication], watching: Watching
    ) -> None:  # fmt: skip
        self._attempt, self._done, self._watching = attempt, done, watching
        changed = {change.app for change in done.changes}
        own = [(one, changed & {image.app for image in one.expected.images}) for one in applications]
        curable = [(one, apps) for one, apps in own if one.turned_sick and apps]
        back = {app for _, apps in curable for app in apps}
        self._apps = tuple(_unique(change.app for change in done.changes if change.app in back))
        self._reason = "; ".join(one.course.last.reason for one, _ in curable)
        sick = [one for one in applications if one.is_sick]
        self._sick = "; ".join(explain(one, watching) for one in sick)
        self._pages = ", ".join(_unique(one.page for one in sick))
        # What stays as it is; several applications of Argo CD may run the same values.
        left = [one for one, apps in own if back.isdisjoint(apps)]
        others = [f"{one.name} stays as it is, because {_ILL_BEFORE}" for one in left if one.is_sick and curable]
        others += [f"{explain(one, watching)}, and stays" for one in left if not one.is_sick]
        self._others = "".join(f"; {sentence}" for sentence in others)

    def run(self) -> NotDone:
        made = self._done.merge_request
        if made is None or self._done.status is not Status.MERGED:
            return self._not_rolled_back("no merge request of this job brought it")
        try:
            why_not = self._why_not()
            if why_not is not None:
                return self._not_rolled_back(why_not)
            return self._ended(made, self._roll_back(made))
        except NotDone as waited:
            return self._ended(made, waited.result, waited)
        except MovedOn as moved:
            return self._failure(f"nothing was rolled back, because {moved.what}", f"see {self._pages}")
        except BumperError as error:
            return self._not_rolled_back(f"the rollback failed ({error.what})")

    def _why_not(self) -> str | None:
        if not self._apps:
            return _ILL_BEFORE
        known = self._attempt.known
        ours = {one.place: one.after for one in self._done.changes if one.app in self._apps}
        for other in known.opened_now() if known is not None else ():
            record = read_comment(other.description)
            changes = record.changes if record is not None else ()
            is_other = any(ours.get(one.place, one.after) != one.after for one in changes)
            if is_other and known is not None and known.is_bumpers(other.author):
                return f"!{other.iid} proposes another version already"
        return None

    def _roll_back(self, made: ProposedAt) -> Result:
        """Open the rollback; where the environment lets it be merged by itself, wait until it runs and is healthy."""
        session, options, target = self._attempt.session, self._attempt.options, self._attempt.target
        merges = target.environment.config.auto_merge and options.auto_merge is not False
        request = RollbackRequest(
            self._done.environment, self._apps, merge_request=made.iid, hold=f"Argo CD: {self._reason}"[:_MAX_REASON],
            verify=False, by_itself=True,
        )  # fmt: skip
        own = DeliveryOptions(
            people=options.people, labels=options.labels, auto_merge=merges, steady=0.0,
            wait_deployed=self._watching.seconds if merges else None,
        )  # fmt: skip
        session.show(f"{self._sick}; rolling !{made.iid} back")
        afresh = replace(session, began=session.clock.monotonic())
        return remake_after_lost_push(
            afresh,
            lambda tip: rollback_once(request, own, tip, afresh, lambda _: None),
            refreshed(target.checkout),
        )

    def _failure(self, what: str, next_step: str, rolled_back: Result | None = None) -> NotDone:
        return NotDone(f"{self._sick}; {what}{self._others}", next_step, replace(self._done, rollback=rolled_back))

    def _not_rolled_back(self, why: str) -> NotDone:
        made = self._done.merge_request
        command = f": `bumper rollback {self._done.environment} --mr {made.iid}`" if made is not None else ""
        by_hand = f"see {self._pages}, and roll back by hand if that helps{command}"
        return self._failure(f"nothing was rolled back, because {why}", by_hand)

    def _ended(self, undone: ProposedAt, rolled_back: Result, waited: NotDone | None = None) -> NotDone:
        """The failure once there is a rollback: merged and healthy, merged and not, or still open."""
        made, environment = rolled_back.merge_request, self._done.environment
        if made is None:
            return self._not_rolled_back("its tags were changed back already")
        by = f"!{undone.iid} ({undone.url}) is rolled back by !{made.iid} ({made.url})"
        if made.state != "merged":
            still = ", ".join(_unique(f"{one.app} {one.before}" for one in rolled_back.changes))
            why = f" ({waited.what})" if waited is not None else ""
            branch = self._attempt.target.checkout.branch
            who = " or ".join(self._attempt.people.reviewers) or f"somebody who may merge into {branch}"
            next_step = f"{who} has to approve and merge it; its hold works from then on"
            if made.state == "closed":
                next_step = f"`bumper rollback {environment} --mr {undone.iid} --reopen` proposes it again"
            what = f"{by}, which is not merged{why}, so {environment} still runs {still}"
            return self._failure(what, next_step, rolled_back)
        again = ", ".join(_unique(f"{one.app} {one.after}" for one in rolled_back.changes))
        if waited is not None:
            what = f"{by}, but {again} was not seen healthy: {waited.what}"
            return self._failure(what, waited.next_step, rolled_back)
        apps = " ".join(_unique(f"--app {one.app}" for one in rolled_back.changes))
        return self._failure(
            f"{by}; {environment} runs {again} again, healthy and held",
            f"find out why, then run `bumper unhold {environment} {apps}`",
            rolled_back,
        )


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
