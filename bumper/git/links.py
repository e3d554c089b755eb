"""Symbolic links in a commit's tree, followed within it, as Helm and Argo CD read files."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from posixpath import dirname, join, normpath

from bumper.errors import Refused
from bumper.git.checkout import Checkout, Entry

_LINK = "120000"
_MAX_HOPS = 40  # as Linux has it
_MAX_FILES = 100_000


def follow_links(checkout: Checkout) -> Checkout:
    """The commit with the files that its links lead to in their places; a link that leads nowhere in it stays one.

    Raises:
        Refused: there are more files behind links than anybody would have on purpose.

    """
    links = {path: entry.blob for path, entry in checkout.entries.items() if entry.mode == _LINK}
    if not links:
        return checkout
    contents = checkout.blobs.read(set(links.values()))
    texts = {path: contents[blob].decode(errors="surrogateescape") for path, blob in links.items()}
    paths = sorted(checkout.entries)
    entries = dict(checkout.entries)
    for path in links:
        found = dict(_behind(path, texts, checkout.entries, paths))
        if found:
            del entries[path]
            entries.update(found)
        if len(entries) > len(checkout.entries) + _MAX_FILES:
            raise Refused(f"{path}: symbolic links lead to too many files", "remove links that lead to links")
    return replace(checkout, entries=entries)


def _behind(
    link: str, links: Mapping[str, str], entries: Mapping[str, Entry], paths: Sequence[str]
) -> Iterator[tuple[str, Entry]]:
    """The file that a link leads to, or the files of the folder, by the paths that they have by way of the link."""
    real = _real(link, links)
    if real is None:
        return
    if real in entries:
        yield link, entries[real]
        return
    folder = f"{real}/" if real else ""
    if link.startswith(folder):  # the folder that the link is in
        return
    for path in paths[bisect_left(paths, folder) :]:
        if not path.startswith(folder):
            return
        target = _real(path, links)
        if target is not None and target in entries:
            yield f"{link}/{path.removeprefix(folder)}", entries[target]


def _real(path: str, links: Mapping[str, str]) -> str | None:
    """Where ``path`` leads once every link on the way is followed; None where that is outside, or nowhere."""
    for _ in range(_MAX_HOPS):
        steps = path.split("/")
        parts = ("/".join(steps[:count]) for count in range(1, len(steps) + 1))
        link = next((part for part in parts if part in links), None)
        if link is None:
            return path
        if "/../" in links[link].lstrip("./"):  # from a folder that may be a link itself
            return None
        target = normpath(join(dirname(link), links[link], path.removeprefix(link).lstrip("/")))
        if target.startswith(("/", "../")) or target == "..":
            return None
        path = "" if target == "." else target
    return None
