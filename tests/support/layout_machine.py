"""Promotions and rollbacks over repositories of any layout, in which people rename, swap, replace and correct.

After every command the versions that its branch would run are compared with what each application ran before: no
promotion writes what the application does not run in the source, no rollback what it never ran in that environment.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.support.command_line import Ran
from tests.support.gitops import Gitops
from tests.support.inside import run_inside
from tests.support.layouts import ENVIRONMENTS, LAYOUTS, Edits, Place, Tree, Version, edited
from tests.support.machine import Place as Playground

PLACES = tuple(Place(team, app) for team in ("red", "blue", "green") for app in ("api", "web"))
IMAGES = tuple(f"registry.example.com/shop/{name}" for name in ("api", "web", "worker"))
MERGES: tuple[Mapping[str, str], ...] = (
    {}, {"squash_option": "always"}, {"merge_method": "ff"}, {"merge_method": "ff", "squash_option": "always"},
)  # fmt: skip
HOW: Mapping[str, tuple[str, ...]] = {
    "last": (), "two": ("--steps", "2"), "to": ("--to",), "image": ("--image", "*/api"), "force": ("--force",),
    "all": ("--all-apps",),
}  # fmt: skip
Application = tuple[str, int]  # an environment, and a number that a renamed application keeps


class Layouts(RuleBasedStateMachine):
    """One repository: some applications of some teams, in two environments."""

    place: ClassVar[Playground]
    outcomes: ClassVar[Counter[str]] = Counter()
    projects: ClassVar[Iterator[int]] = count()

    @initialize(name=st.sampled_from(sorted(LAYOUTS)), merges=st.sampled_from(MERGES), by_api=st.booleans(),
                places=st.lists(st.sampled_from(PLACES), min_size=2, max_size=4, unique=True),
                data=st.data())  # fmt: skip
    def begin(
        self, name: str, merges: Mapping[str, str], by_api: bool, places: list[Place], data: st.DataObject,  # noqa: FBT001
    ) -> None:  # fmt: skip
        self.layout, self.layout_name, self.tip = LAYOUTS[name], name, ""
        self.numbers, self.tags = count(1), ["0.0"]
        self.places: dict[Application, Place] = {}
        self.past: defaultdict[Application, list[Version]] = defaultdict(list)
        self.tree: Tree = {"README.md": "# GitOps\n", "common.yaml": "replicas: 1\n"}
        if self.layout.config:
            self.tree = {**self.tree, "bumper.yaml": self.layout.config}
        for environment in ENVIRONMENTS:
            for place in places:
                self.tree = edited(self.tree, self.added(environment, place, data))
        sandbox, project = self.place.sandbox, f"team/layout-{next(self.projects)}"
        url = sandbox.create_project(project, {path: text.encode() for path, text in self.tree.items()})
        self.gitops = Gitops(sandbox, self.place.temporary_folder.parent, project)
        if merges:
            self.gitops.api.put("", **merges)
        kind, variable = ("project", "BUMPER_TOKEN") if by_api else ("job", "CI_JOB_TOKEN")
        self.environ = {"BUMPER_REPO": url, variable: sandbox.create_token("bumper", kind=kind, project=project)}
        self.look()

    # What people do

    @precondition(lambda self: self.places)
    @rule(data=st.data())
    def tag_by_hand(self, data: st.DataObject) -> None:
        environment, place = self.draw(data)
        self.commit(self.layout.with_image(self.tree, environment, place, tag=self.new_tag()))

    @precondition(lambda self: self.places)
    @rule(data=st.data(), image=st.sampled_from(IMAGES), retag=st.booleans())
    def image_by_hand(self, data: st.DataObject, image: str, retag: bool) -> None:  # noqa: FBT001
        environment, place = self.draw(data)
        parts = {"repository": image} | ({"tag": self.new_tag()} if retag else {})
        self.commit(self.layout.with_image(self.tree, environment, place, **parts))

    @precondition(lambda self: self.places)
    @rule(data=st.data(), everywhere=st.booleans(), retag=st.booleans())
    def rename(self, data: st.DataObject, everywhere: bool, retag: bool) -> None:  # noqa: FBT001
        """An application moves, in one environment or in all, with its base where nobody else needs it."""
        _, old = self.draw(data)
        everybody = [one for one, place in self.places.items() if place == old]
        moved, new, tree = everybody if everywhere else everybody[:1], self.draw_free(data, old), self.tree
        if new is None:
            return
        for environment, _ in moved:
            tree = edited(tree, self.layout.move(tree, environment, old, new))
            if retag:
                tree = edited(tree, self.layout.with_image(tree, environment, new, tag=self.new_tag()))
        before, after = self.layout.base("dev", old), self.layout.base("dev", new)
        if len(moved) == len(everybody) and before is not None and before in tree and after is not None:
            tree = edited(tree, {before: None, after: tree[before]})
        self.places.update(dict.fromkeys(moved, new))
        self.commit(dict.fromkeys(self.tree) | dict(tree))

    @precondition(lambda self: self.places)
    @rule(data=st.data())
    def swap(self, data: st.DataObject) -> None:
        """Two applications' values change places, as when they were mixed up."""
        environment, one = self.draw(data)
        _, other = self.draw(data, environment)
        first, second = (self.layout.values_file(environment, place) for place in (one, other))
        self.commit({first: self.tree[second], second: self.tree[first]})

    @precondition(lambda self: self.places and not self.layout.keyed)
    @rule(data=st.data(), image=st.sampled_from(IMAGES))
    def replace(self, data: st.DataObject, image: str) -> None:
        """In one commit an application goes and another comes, which looks like it but is of another image."""
        environment, old = self.draw(data)
        before, new = self.layout.running(self.tree, environment, old), self.draw_free(data, old)
        if before is None or new is None:
            return
        tree = edited(self.tree, self.layout.move(self.tree, environment, old, new))
        tree = edited(tree, self.layout.with_image(tree, environment, new, repository=image))
        after = self.layout.running(tree, environment, new)
        gone = self.application(environment, old)
        del self.places[gone]
        came = environment, next(self.numbers)
        self.places[came] = new
        if after is None or after.image == before.image:  # nobody can tell them apart
            self.past[came] = list(self.past[gone])
        self.commit(dict.fromkeys(self.tree) | dict(tree))

    @precondition(lambda self: self.places)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        environment, place = self.draw(data)
        del self.places[self.application(environment, place)]
        self.commit(self.layout.remove(self.tree, environment, place))

    @rule(environment=st.sampled_from(ENVIRONMENTS), data=st.data())
    def add(self, environment: str, data: st.DataObject) -> None:
        place = self.draw_free(data, None)
        if place is not None:
            self.commit(self.added(environment, place, data))

    @precondition(lambda self: self.places)
    @rule(data=st.data())
    def merge_a_persons_branch(self, data: st.DataObject) -> None:
        """Two commits, of which the first was a mistake."""
        environment, place = self.draw(data)
        clone, branch = self.gitops.person(), f"person-{next(self.numbers)}"
        clone.git("checkout", "--quiet", "-b", branch)
        for _ in range(2):
            for path, text in self.layout.with_image(self.tree, environment, place, tag=self.new_tag()).items():
                clone.commit(text or "", path)
        clone.git("push", "--quiet", "origin", branch)
        if self.gitops.tip(branch) != self.tip:
            self.merge_request(self.gitops.api.open(branch)["iid"])

    # What bumper does

    @precondition(lambda self: self.places)
    @rule(data=st.data(), alone=st.booleans())
    def bump(self, data: st.DataObject, alone: bool) -> None:  # noqa: FBT001
        environment, place = self.draw(data)
        version = self.layout.running(self.tree, environment, place)
        if version is not None:
            wanted = Version(version.image, self.new_tag())
            ran = self.run("bump", environment, ":".join(wanted), *(self.naming(place) if alone else []))
            closed = self.layout.takes_promotions_only
            self.compare(ran, lambda one, after: after == wanted and one[0] not in closed)

    @precondition(lambda self: self.places)
    @rule(data=st.data(), forward=st.booleans(), alone=st.booleans())
    def promote(self, data: st.DataObject, forward: bool, alone: bool) -> None:  # noqa: FBT001
        source, target = ENVIRONMENTS if forward else ENVIRONMENTS[::-1]
        named = self.naming(self.draw(data)[1]) if alone else []
        ran = self.run("promote", source, target, *named)

        def is_right(application: Application, after: Version) -> bool:
            sources = self.sources(source, application)
            return len(sources) == 1 and self.past[sources[0]][-1:] == [after]

        self.compare(ran, is_right)
        if ran.code == 0 and not alone and not ran.json["warnings"]:
            self.check_nothing_is_left(source, target, ran)

    def check_nothing_is_left(self, source: str, target: str, ran: Ran) -> None:
        """Whatever runs the same image in both runs the source's version then."""
        tree = self.contents(ran.json["branch"]) if ran.json["status"] == "proposed" else self.tree
        for application, place in self.places.items():
            sources = self.sources(source, application) if application[0] == target else []
            if len(sources) == 1:
                wanted = self.layout.running(self.tree, source, self.places[sources[0]])
                found = self.layout.running(tree, target, place)
                same_image = wanted is not None and found is not None and wanted.image == found.image
                assert not same_image or wanted == found, (application, wanted, found, ran)

    @precondition(lambda self: self.places)
    @rule(data=st.data(), how=st.sampled_from(sorted(HOW)))
    def rollback(self, data: st.DataObject, how: str) -> None:
        environment, place = self.draw(data)
        tag, application = data.draw(st.sampled_from(self.tags)), self.application(environment, place)
        named = [] if how == "all" else self.naming(place)
        ran = self.run("rollback", environment, *named, *HOW[how], *([tag] if how == "to" else []))

        def is_right(one: Application, after: Version) -> bool:
            if how == "to" and after.tag == tag and one[0] not in self.layout.takes_promotions_only:
                return True  # what never ran is a bump
            is_meant = how == "all" or one == application or one[0] != environment
            return is_meant and self.ran_before(one, after, environment)

        self.compare(ran, is_right)

    @precondition(lambda self: self.requests("merged"))
    @rule(data=st.data(), environment=st.sampled_from(ENVIRONMENTS))
    def rollback_a_merge_request(self, data: st.DataObject, environment: str) -> None:
        iid = data.draw(st.sampled_from(self.requests("merged")))
        ran = self.run("rollback", environment, "--mr", str(iid))
        self.compare(ran, lambda one, after: self.ran_before(one, after, environment))

    @precondition(lambda self: self.requests("opened"))
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        self.merge_request(data.draw(st.sampled_from(self.requests("opened"))))

    # What must hold

    def run(self, *arguments: str) -> Ran:
        ran = run_inside(*arguments, "--no-verify", "--reopen", "--output", "json", environ=self.environ)
        assert ran.code in {0, 1}, ran
        outcome = ran.json["status"] if ran.code == 0 else ran.json["error"]["message"].splitlines()[0]
        self.outcomes[f"{self.layout_name}: {arguments[0]}: {outcome}"] += 1
        return ran

    def compare(self, ran: Ran, is_right: Callable[[Application, Version], bool]) -> None:
        """Every application that runs another version by what is proposed runs a right one."""
        if ran.code != 0 or ran.json["status"] != "proposed":
            return
        branch = ran.json["branch"]
        base, tree = self.contents(self.gitops.git("merge-base", "main", branch).strip()), self.contents(branch)
        for application, place in self.places.items():
            before, after = (self.layout.running(one, application[0], place) for one in (base, tree))
            if before != after:
                assert after is not None, (application, before, ran)
                assert is_right(application, after), (application, place, before, after, self.past[application], ran)

    def ran_before(self, application: Application, version: Version, environment: str) -> bool:
        """Whether it ran this there; what inherits that environment's values goes along with its past."""
        place = self.places[application]
        return any(
            version in self.past[one] for one in self.places if (one[0], self.places[one]) == (environment, place)
        )

    def sources(self, source: str, application: Application) -> list[Application]:
        """The applications of the source environment that a promotion of this one can mean."""
        place, blind = self.places[application], self.layout.blind
        return [
            one for one, other in self.places.items()
            if one[0] == source and (other == place or (blind and other.app == place.app))
        ]  # fmt: skip

    # The repository

    def look(self) -> None:
        """Keep what everything ran at each commit of the branch since the last time."""
        since = f"{self.tip}..main" if self.tip else "main"
        for commit in self.gitops.git("rev-list", "--first-parent", "--reverse", since).split():
            self.tip, self.tree = commit, self.contents(commit)
            for application, place in self.places.items():
                version = self.layout.running(self.tree, application[0], place)
                if version is not None and self.past[application][-1:] != [version]:
                    self.past[application].append(version)

    def contents(self, ref: str) -> Tree:
        tree: defaultdict[str, str] = defaultdict(str)
        for line in self.gitops.git("grep", "--no-color", "", ref).splitlines():
            _, path, text = line.split(":", 2)
            tree[path] += f"{text}\n"
        return tree

    def commit(self, edits: Mapping[str, str | None]) -> None:
        changed = {path: text for path, text in edits.items() if self.tree.get(path) != text}
        if changed:
            self.gitops.commit(changed)
        self.look()

    def merge_request(self, iid: int) -> None:
        self.gitops.api.mergeable(iid)
        squash = {"squash": True} if self.gitops.api.get()["squash_option"] == "always" else {}
        self.gitops.api("PUT", f"/merge_requests/{iid}/merge", **squash)  # a conflict is refused, and stays open
        self.look()

    def requests(self, state: str) -> list[int]:
        return [one["iid"] for one in self.gitops.merge_requests(state)]

    def added(self, environment: str, place: Place, data: st.DataObject) -> Edits:
        """A new application; without teams, one for each name."""
        if self.layout.blind and environment == "prod":
            place = Place("", place.app)
        if (environment, place) in [(one[0], other) for one, other in self.places.items()]:
            return {}
        image, base = {"repository": data.draw(st.sampled_from(IMAGES)), "tag": self.new_tag()}, self.new_tag()
        shared = self.layout.base(environment, place)
        has_base = shared is not None and (shared in self.tree or not self.layout.inherits)
        kept = data.draw(st.sampled_from([("repository", "tag"), ("tag",), ()])) if has_base else tuple(image)
        self.places[environment, next(self.numbers)] = place
        own = {key: image[key] for key in kept}
        return self.layout.add(self.tree, environment, place, own, image | {"tag": base})

    # What there is

    def new_tag(self) -> str:
        self.tags.append(f"1.{next(self.numbers)}")
        return self.tags[-1]

    def draw(self, data: st.DataObject, environment: str | None = None) -> tuple[str, Place]:
        """An application by its environment and place."""
        known = [(one[0], place) for one, place in self.places.items() if environment in {None, one[0]}]
        return data.draw(st.sampled_from(known))

    def draw_free(self, data: st.DataObject, like: Place | None) -> Place | None:
        """A place where nothing is; it knows of a team where the other one did."""
        places = PLACES if like is None or like.team else [Place("", app) for app in ("api", "web")]
        free = [place for place in places if place not in self.places.values()]
        return data.draw(st.sampled_from(free)) if free else None

    def application(self, environment: str, place: Place) -> Application:
        return next(one for one, other in self.places.items() if (one[0], other) == (environment, place))

    def naming(self, place: Place) -> list[str]:
        return ["--app", self.layout.name.format(**place._asdict()) if place.team else place.app]
