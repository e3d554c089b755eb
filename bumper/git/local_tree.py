"""A GitOps repository that is checked out on this machine: its files, as git tracks them, and a new one among them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bumper.errors import Refused
from bumper.git.command import GitCommand, GitFailed, local_environment

_GIT = ".git"
_ORIGIN = "remote.origin.url"
_COMMIT = "160000"  # a submodule


@dataclass(frozen=True, slots=True)
class LocalTree:
    """A folder with the paths of its files, and the repository's name."""

    root: Path
    name: str
    files: tuple[str, ...]


def read_tree(place: Path, environ: Mapping[str, str]) -> LocalTree:
    """The repository that ``place`` is in; repositories in its folders are not part of it.

    Refused where it is not a folder, it is in no checkout, or git cannot list its files.
    """
    root = checkout_root(place)
    url = origin_of(root, environ)  # as the remote has it: a clone's folder may be called anything
    name = root.name if url is None else url.rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2]
    return LocalTree(root, name, tuple(_list_files(root, environ)))


def checkout_root(place: Path) -> Path:
    """The root of the git checkout that ``place`` is in; Refused where it is not a folder, or in no checkout."""
    if not place.is_dir():
        raise Refused(f"{place} is not a folder", "name a folder in the GitOps repository's checkout, or its URL")
    root = find_root(place)
    if root is None:
        raise Refused(
            f"{place.resolve()} is not in a git checkout",
            "change to a checkout of the GitOps repository; `bumper init` also takes --repo URL",
        )
    return root


def find_root(place: Path) -> Path | None:
    """The root of the git checkout that ``place`` is in, None outside of any."""
    folder = place.resolve()
    return next((parent for parent in (folder, *folder.parents) if (parent / _GIT).exists()), None)


def person(place: Path, environ: Mapping[str, str]) -> str | None:
    """Whose name git writes into a commit that is made in ``place``; None where nobody told it."""
    if environ.get("GIT_AUTHOR_NAME"):
        return environ["GIT_AUTHOR_NAME"]
    return _git(find_root(place) or place.resolve(), environ).query("config", "--get", "user.name").strip() or None


def origin_of(root: Path, environ: Mapping[str, str]) -> str | None:
    """The URL of the checkout's remote ``origin``, None where it has none."""
    return _git(root, environ).query("config", "--get", _ORIGIN).strip() or None


def is_tracked(root: Path, path: str, environ: Mapping[str, str]) -> bool:
    """Whether git tracks the file at ``path`` in the checkout; Refused where git cannot list its files."""
    return path in _list_files(root, environ)


def _git(root: Path, environ: Mapping[str, str]) -> GitCommand:
    return GitCommand(root / _GIT, local_environment(environ))


def _list_files(root: Path, environ: Mapping[str, str]) -> Iterable[str]:
    """The paths of the files that git tracks, without submodules."""
    try:
        # Its own settings are not to run a program, and whoever owns the folder may be somebody else.
        listed = _git(root, environ).run("-c", "core.fsmonitor=false", "ls-files", "-z", "--stage")
    except GitFailed as error:
        reason = error.stderr.strip().removeprefix("fatal: ").rstrip(".")
        raise Refused(
            f"{root}: git cannot list the files ({reason})", "repair the repository or name its URL"
        ) from error
    entries = (line.partition(b"\t") for line in listed.split(b"\0") if line)
    return dict.fromkeys(
        path.decode(errors="surrogateescape") for about, _, path in entries if not about.startswith(_COMMIT.encode())
    )


def read_bytes(tree: LocalTree, paths: Iterable[str]) -> Mapping[str, bytes]:
    """The bytes of files; symbolic links and what is not there (any more) are left out.

    Refused where one cannot be read.
    """
    found = {}
    for path in paths:
        file = tree.root / path
        if file.is_symlink() or not file.is_file():
            continue
        try:
            found[path] = file.read_bytes()
        except OSError as error:
            raise Refused(f"{file}: the file cannot be read ({error.strerror}); check your permissions.") from error
    return found


def create_file(path: Path, content: bytes) -> None:
    """Write a new file; Refused where there is one, a symbolic link included, or it cannot be written."""
    try:
        with path.open("xb") as file:
            try:
                file.write(content)
                file.flush()
            except OSError:  # a full disk: half a file would be read as one
                path.unlink()
                raise
    except FileExistsError:
        raise Refused(f"{path} exists already and is never overwritten", "edit it, or move it away first") from None
    except OSError as error:
        raise Refused(f"{path}: the file cannot be written ({error.strerror}); check your permissions.") from error
