"""The server's side of a push: may it happen (pre-receive), and what follows from it (post-receive)."""

import secrets
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from werkzeug import Response

from bumper.sandbox.behaviour.branch_updates import RefUpdate, branches_updated, message_refusal
from bumper.sandbox.behaviour.pipelines import start_pipeline
from bumper.sandbox.behaviour.push_options import lines_after_push, moved_lines
from bumper.sandbox.git.repository import NO_COMMIT
from bumper.sandbox.remote import hook_script
from bumper.sandbox.remote.access import NOT_FOUND, refusal
from bumper.sandbox.state.identity import Identity, identity_of
from bumper.sandbox.state.records import Project
from bumper.sandbox.state.world import World, protection

Question = Mapping[str, Sequence[str]]
_QUARANTINE = {"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"}


@dataclass(frozen=True, slots=True)
class Push:
    """What git hands to a hook; ``environment`` leads to the new objects while they are in quarantine."""

    project: Project
    identity: Identity
    updates: Sequence[RefUpdate]
    options: Sequence[str]
    environment: Mapping[str, str]


class Hooks:
    """Git hooks, and an SSH server's shell, that call back over loopback: all ways of access meet the same rules."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._secret = secrets.token_hex(16)

    def install(self, host: str, port: int) -> None:
        """Write the hooks and where they find this server."""
        folder = self._world.hooks_folder
        folder.mkdir(exist_ok=True)
        address = folder / "address"
        address.touch(mode=0o600)
        address.write_text(f"{host} {port} {self._secret}\n", encoding="utf-8")
        for hook in ("pre-receive", "post-receive"):
            command = [
                sys.executable,
                "-I",
                "-S",
                str(Path(hook_script.__file__).resolve()),
                hook,
                str(address.resolve()),
            ]
            file = folder / hook
            file.write_text(f"#!/bin/sh\nexec {shlex.join(command)}\n", encoding="utf-8")
            file.chmod(0o755)

    def answer(self, hook: str, body: bytes) -> Response:
        """Answer a hook: the lines that the pusher reads, with status 403 where the push must not go on."""
        question = _read_question(body)
        secret = _first(question, "secret").encode(errors="surrogateescape")
        if not secrets.compare_digest(secret, self._secret.encode()):
            return _text("GitLab: The hook's secret is wrong; start the sandbox again.", status=403)
        with self._world.lock:
            if hook == "access":
                return self._access(question)
            push = self._read(question)
            if push is None:
                return _text("GitLab: The project or the user is unknown here.", status=403)
            if hook == "pre-receive":
                refusal = self._refusal(push)
                return _text(f"GitLab: {refusal}", status=403) if refusal else _text()
            branches_updated(self._world, push.project, push.identity.user, push.updates)
            lines = lines_after_push(self._world, push.project, push.identity, push.updates, push.options)
            lines += moved_lines(self._world, push.project, _first(question, "BUMPER_SANDBOX_PATH"))
            self._start_pipelines(push)
            self._world.save()
            return _text(*lines)

    def _access(self, question: Question) -> Response:
        """What gitlab-shell asks before it starts git: the project by its present path, or why not."""
        user = self._world.records.users[_first(question, "username")]
        project = self._world.project_at(_first(question, "project"))
        if project is None:
            return _text(NOT_FOUND, status=403)
        reason = refusal(self._world, Identity(user, user.role), project, push=_first(question, "push") == "yes")
        return _text(reason, status=403) if reason else _text(project.path)

    def _start_pipelines(self, push: Push) -> None:
        """A push with a job token starts none, nor one that says so."""
        if push.identity.is_job or "ci.skip" in push.options:
            return
        for update in push.updates:
            if update.branch and update.new != NO_COMMIT:
                start_pipeline(self._world, push.project, update.branch, update.new)

    def _read(self, question: Question) -> Push | None:
        world = self._world
        path = Path(_first(question, "repository")).resolve()
        folder = path.relative_to((world.directory / "repositories").resolve())
        project = world.project_at(str(folder.with_suffix("")))
        user = world.records.users.get(_first(question, "GL_USERNAME"))
        number = _first(question, "BUMPER_SANDBOX_TOKEN")
        token = next((token for token in world.records.tokens.values() if str(token.id) == number), None)
        if project is None or user is None:
            return None
        identity = identity_of(world, token) if token else Identity(user, user.role)
        updates = [RefUpdate(*line.split()) for line in question.get("update", [])]
        quarantine = {name: values[0] for name, values in question.items() if name in _QUARANTINE}
        return Push(project, identity, updates, question.get("option", []), quarantine)

    def _refusal(self, push: Push) -> str | None:
        """What HTTP asks before git is started, too, a push over SSH is asked here first."""
        reason = refusal(self._world, push.identity, push.project, push=True)
        if reason:
            return reason
        for update in push.updates:
            found = self._update_refusal(push, update) or self._broken_push_rule(push, update)
            if update.branch and found:
                return found
        return None

    def _broken_push_rule(self, push: Push, update: RefUpdate) -> str | None:
        """Of the first commit that is new on the server."""
        if push.project.commit_message_regex is None or update.new == NO_COMMIT:
            return None
        wanted = ("log", "--format=%B%x00", update.new, "--not", "--all")
        messages = self._world.repository(push.project).git(*wanted, environment=push.environment).split("\0")
        reasons = (message_refusal(push.project, text.strip()) for text in messages if text.strip())
        return next((reason for reason in reasons if reason), None)

    def _update_refusal(self, push: Push, update: RefUpdate) -> str | None:
        """GitLab's own sentences, by what the push would do to a protected branch."""
        project, rule = push.project, protection(push.project, update.branch)
        if update.new == NO_COMMIT and update.branch == project.default_branch:
            return "The default branch of a project cannot be deleted."
        if rule is None:
            return None
        if update.new == NO_COMMIT:
            return "You can only delete protected branches using the web interface."
        if not push.identity.may_push(project, update.branch):
            return "You are not allowed to push code to protected branches on this project."
        repository = self._world.repository(project)
        rewritten = update.old != NO_COMMIT and not repository.is_ancestor(update.old, update.new, push.environment)
        if rewritten and not rule.allow_force_push:
            return "You are not allowed to force push code to a protected branch on this project."
        return None


def _read_question(body: bytes) -> Question:
    """What ``hook_script`` sends: ``name=value``, NUL-separated; a name may come several times."""
    question: dict[str, list[str]] = {}
    for part in body.decode(errors="surrogateescape").split("\0"):
        name, _, value = part.partition("=")
        question.setdefault(name, []).append(value)
    return question


def _first(question: Question, name: str) -> str:
    return question.get(name, [""])[0]


def _text(*lines: str, status: int = 200) -> Response:
    return Response("".join(f"{line}\n" for line in lines), status, content_type="text/plain")
