"""Commits written straight into a repository of the embedded server, with times and messages of the test's own."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.support.gitops import Gitops


@dataclass(frozen=True)
class Written:
    """A commit of the target branch: its files (None takes one away), when it was committed, and its message.

    ``merged`` names the time of a branch's commit that brings the files, which this one merges.
    """

    at: datetime
    files: Mapping[str, str | None]
    message: str = "By hand"
    merged: datetime | None = None


def write_line(gitops: Gitops, commits: list[Written]) -> list[str]:
    """Write the commits on main, one after the other; their ids."""
    return write_commits(gitops.sandbox.repository_path(gitops.project), commits)


def write_commits(repository: Path, commits: list[Written], *, start: bool = False) -> list[str]:
    """The same in any bare repository; ``start``: the first commit has no parent."""
    stream, marks = [], []
    for number, written in enumerate(commits):
        mark = 2 * number + 1
        parent = f":{2 * number - 1}" if number else "" if start else "refs/heads/main^0"
        branch = "refs/heads/main"
        if written.merged is not None:
            stream.append(_commit("refs/tests/branch", mark + 1, written.merged, written.message, _from(parent)))
            stream.append(_files(written.files))
            parent = f"{parent}\nmerge :{mark + 1}"
        stream.append(_commit(branch, mark, written.at, written.message, _from(parent)))
        stream.append(_files(written.files))
        stream.append("\n")
        marks.append(mark)
    stream += [f"get-mark :{mark}\n" for mark in marks]
    command = ["git", "-C", str(repository), "fast-import", "--quiet", "--force"]
    done = subprocess.run(command, input="".join(stream).encode(), capture_output=True, check=True)
    return done.stdout.decode().split()


def _from(parent: str) -> str:
    return f"from {parent}\n" if parent else ""


def _commit(branch: str, mark: int, at: datetime, message: str, parents: str) -> str:
    when = f"{int(at.timestamp())} +0000"
    who = f"author Dora <dora@example.org> {when}\ncommitter Dora <dora@example.org> {when}\n"
    return f"commit {branch}\nmark :{mark}\n{who}data {len(message.encode())}\n{message}\n{parents}"


def _files(files: Mapping[str, str | None]) -> str:
    return "".join(
        f"D {path}\n" if text is None else f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n"
        for path, text in files.items()
    )
