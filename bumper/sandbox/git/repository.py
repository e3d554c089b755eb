"""A bare repository on the server, by git's plumbing: refs, objects and commits made without a work tree."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NO_COMMIT = "0" * 40

_CONFIG = {
    "core.repositoryFormatVersion": "0",
    "core.bare": "true",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "http.receivepack": "true",
    "receive.advertisePushOptions": "true",
    "receive.denyDeleteCurrent": "ignore",
    "receive.hideRefs": "refs/merge-requests",
    "receive.autogc": "false",
    "gc.auto": "0",
    "fastimport.unpackLimit": "1",  # a pack, not a file for each object
    "core.fsync": "none",  # what is only tried out need not outlive a power cut
    "core.logAllRefUpdates": "false",
}


class GitError(Exception):
    """Git refused; the message is what it wrote."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who and when, for a commit; ``date`` as git reads it, empty for now."""

    name: str
    email: str
    date: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """A bare repository at ``path``."""

    path: Path

    def create(self, default_branch: str, hooks: Path) -> None:
        """Make the repository, as ``git init`` does, with a server's settings, and its hooks in this folder."""
        for folder in ("objects", "refs"):
            (self.path / folder).mkdir(parents=True)
        (self.path / "HEAD").write_text(f"ref: refs/heads/{default_branch}\n", encoding="utf-8")
        self.use_hooks(hooks)

    def use_hooks(self, folder: Path) -> None:
        """Write the settings, with the hooks in this folder; relative, so that the server's directory can be moved."""
        lines = []
        for key, value in {**_CONFIG, "core.hooksPath": os.path.relpath(folder, self.path)}.items():
            section, name = key.split(".")
            lines.append(f'[{section}]\n\t{name} = "{value}"\n')
        (self.path / "config").write_text("".join(lines), encoding="utf-8")

    def git(self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> str:
        """Git's output as text. Raises GitError when git fails."""
        return self.git_bytes(*arguments, stdin=stdin, environment=environment).decode("utf-8", "replace")

    def git_bytes(self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
        """Git's output as it is. Raises GitError when git fails."""
        done = self.run(*arguments, stdin=stdin, environment=environment)
        if done.returncode:
            raise GitError(done.stderr.decode("utf-8", "replace").strip())
        return done.stdout

    def run(
        self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git here, whatever it answers."""
        return subprocess.run(
            ["git", "--git-dir", str(self.path), *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            env={**git_environment(), **(environment or {})},
        )

    def commit_id(self, revision: str) -> str | None:
        """The id of the commit that a branch, tag or (short) id names."""
        done = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        return done.stdout.decode().strip() if done.returncode == 0 else None

    def branch_tip(self, branch: str) -> str | None:
        """The id of the newest commit of a branch, from its file: no ref here is ever packed."""
        folder = self.path / "refs" / "heads"
        try:
            file = (folder / branch).resolve()
            return file.read_text(encoding="ascii").strip() if file.is_relative_to(folder.resolve()) else None
        except (OSError, ValueError):
            return None

    def branches(self) -> dict[str, str]:
        """Every branch with its newest commit."""
        lines = self.git("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads/").splitlines()
        return {name: commit for commit, name in (line.split(" ", 1) for line in lines)}

    def set_branch(self, branch: str, new: str, old: str) -> None:
        """Move a branch from ``old`` to ``new`` (zeros: new, or deleted). Raises GitError when it is elsewhere."""
        self.git("update-ref", f"refs/heads/{branch}", new, old)

    def is_ancestor(self, older: str, newer: str, environment: Mapping[str, str] | None = None) -> bool:
        """Whether ``newer`` contains ``older``."""
        return self.run("merge-base", "--is-ancestor", older, newer, environment=environment).returncode == 0

    def merge_base(self, one: str, other: str) -> str | None:
        """The commit where two histories part."""
        return self.run("merge-base", one, other).stdout.decode().strip() or None

    def tree(self, commit: str) -> str:
        """The id of a commit's tree."""
        return self.git("rev-parse", f"{commit}^{{tree}}").strip()

    def commit_tree(
        self, tree: str, parents: Sequence[str], message: str, author: Signature, committer: Signature
    ) -> str:
        """A new commit of this tree."""
        arguments = [part for parent in parents for part in ("-p", parent)]
        environment = {
            "GIT_AUTHOR_NAME": author.name,
            "GIT_AUTHOR_EMAIL": author.email,
            "GIT_AUTHOR_DATE": author.date,
            "GIT_COMMITTER_NAME": committer.name,
            "GIT_COMMITTER_EMAIL": committer.email,
            "GIT_COMMITTER_DATE": committer.date,
        }
        return self.git("commit-tree", tree, *arguments, stdin=message.encode(), environment=environment).strip()

    def add_commits(self, branch: str, commits: Sequence["NewCommit"]) -> None:
        """Add commits to a branch, one after the other."""
        start = self.branch_tip(branch)
        stream = [commit.stream(branch, start if commit is commits[0] else None) for commit in commits]
        self.git("fast-import", "--quiet", "--date-format=raw", stdin=b"".join(stream))


@dataclass(frozen=True, slots=True)
class NewCommit:
    """A commit to be made: the new contents of files, a message, an author whose date is seconds and an offset."""

    files: Mapping[str, bytes]
    message: str
    author: Signature

    def stream(self, branch: str, parent: str | None) -> bytes:
        """The commit as ``git fast-import`` reads it."""
        text, author = self.message.encode(), self.author
        head = f"commit refs/heads/{branch}\ncommitter {author.name} <{author.email}> {author.date}\ndata {len(text)}\n"
        parts = [head.encode(), text, b"\n", f"from {parent}\n".encode() if parent else b""]
        for path, content in self.files.items():
            parts += [f"M 100644 inline {path}\ndata {len(content)}\n".encode(), content, b"\n"]
        return b"".join(parts)


def git_environment() -> dict[str, str]:
    """The environment for the server's own git: nothing of the caller's repository or configuration reaches it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
