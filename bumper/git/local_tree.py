"""A GitOps repository that is checked out on this machine: its files, as git tracks them, and a new one among them.

The only importer of GitPython, which knows the ways in which a folder can be a repository (worktrees, submodules).
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bumper.errors import Refused, Unavailable
from bumper.git.environment import forget_inherited_repository

if TYPE_CHECKING:  # imported where it is used: it runs git, and may find none
    from git import Repo

_GIT = ".git"
_COMMIT = "160000"  # a submodule


@dataclass(frozen=True, slots=True)
class LocalTree:
    """A folder with the paths of its files, and the repository's name."""

    root: Path
    name: str
    files: tuple[str, ...]


def read_tree(place: Path) -> LocalTree:
    """The repository that ``place`` is in, or, outside of any, the folder itself with all that is in it.

    Raises:
        Refused: it is no folder, or git cannot list its files.

    """
    if not place.is_dir():
        raise Refused(f"{place} is no folder; name a GitOps repository's folder or its URL.")
    folder = place.resolve()
    root = next((one for one in (folder, *folder.parents) if (one / _GIT).exists()), None)
    if root is None:
        return LocalTree(folder, folder.name, tuple(sorted(_walk(folder))))
    repository = _open(root)
    return LocalTree(root, _name(repository, root), tuple(_paths(_list(repository, root))))


def _open(root: Path) -> "Repo":
    forget_inherited_repository()
    try:
        from git import InvalidGitRepositoryError, Repo
    except ImportError as error:  # what GitPython says where it finds no git
        raise Unavailable("git was not found; install git 2.31 or newer.") from error
    try:
        return Repo(root, expand_vars=False)
    except InvalidGitRepositoryError as error:
        raise _cannot_list(root, f"{_GIT} leads to no repository") from error


def _list(repository: "Repo", root: Path) -> bytes:
    # Its own settings are not to run a program, and whoever owns the folder may be somebody else.
    command = ["git", f"--git-dir={repository.git_dir}", "-c", "core.fsmonitor=false", "ls-files", "-z", "--stage"]
    status, listed, said = repository.git.execute(
        command, env={"GIT_OPTIONAL_LOCKS": "0"}, with_extended_output=True, with_exceptions=False,
        stdout_as_string=False, strip_newline_in_stdout=False,
    )  # fmt: skip
    if status != 0 or not isinstance(listed, bytes):
        raise _cannot_list(root, str(said).strip().removeprefix("fatal: "))
    return listed


def _cannot_list(root: Path, reason: str) -> Refused:
    return Refused(f"{root}: git cannot list the files ({reason}); mend the repository or name its URL.")


def _paths(listed: bytes) -> Iterable[str]:
    entries = (line.partition(b"\t") for line in listed.split(b"\0") if line)
    return dict.fromkeys(
        path.decode(errors="surrogateescape") for about, _, path in entries if not about.startswith(_COMMIT.encode())
    )


def _walk(folder: Path) -> Iterable[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != _GIT]
        yield from (str((Path(parent) / name).relative_to(folder).as_posix()) for name in names)


def _name(repository: "Repo", root: Path) -> str:
    """As the remote has it: a clone's folder may be called anything."""
    urls = [remote.url for remote in repository.remotes if remote.name == "origin"]
    return urls[0].rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2] if urls else root.name


def read_bytes(tree: LocalTree, paths: Iterable[str]) -> Mapping[str, bytes]:
    """The bytes of files; symbolic links and what is not there (any more) are left out.

    Raises:
        Refused: one cannot be read.

    """
    found = {}
    for path in paths:
        file = tree.root / path
        if file.is_symlink() or not file.is_file():
            continue
        try:
            found[path] = file.read_bytes()
        except OSError as error:
            raise Refused(f"{file}: the file cannot be read ({error.strerror}); check your rights.") from error
    return found


def create_file(path: Path, content: bytes) -> None:
    """Write a new file.

    Raises:
        Refused: there is one, a symbolic link included, or it cannot be written.

    """
    try:
        with path.open("xb") as file:
            try:
                file.write(content)
                file.flush()
            except OSError:  # a full disk: half a file would be read as one
                path.unlink()
                raise
    except FileExistsError:
        raise Refused(f"{path} is there already and is never overwritten; edit it, or move it away first.") from None
    except OSError as error:
        raise Refused(f"{path}: the file cannot be written ({error.strerror}); check your rights.") from error
