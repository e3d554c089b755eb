"""The contents of files: fetched all at once, and each of them once in a run."""

from collections.abc import Iterable, Mapping

from bumper.git.blob_cache import keep, read_kept
from bumper.git.command import GitCommand, GitFailed
from bumper.git.failures import explain
from bumper.git.objects import read_blobs, those_there
from bumper.settings import Settings

_WORTH_KEEPING = 200  # blobs: fewer are fetched as fast


class BlobStore:
    """Contents by object id. It remembers them: a job that is made again after a lost push asks for the rest only."""

    __slots__ = ("_git", "_own", "_read", "_settings")

    def __init__(self, git: GitCommand, settings: Settings, own: GitCommand | None = None) -> None:
        """``own`` is a checkout that has most contents already."""
        self._git = git
        self._settings = settings
        self._own = own
        self._read: dict[str, bytes] = {}

    def known(self, object_ids: Iterable[str]) -> list[bytes]:
        """The contents of those objects that were read already."""
        return [self._read[object_id] for object_id in object_ids if object_id in self._read]

    def read(self, object_ids: set[str]) -> Mapping[str, bytes]:
        """The contents of objects; those that are missing are fetched in one request."""
        missing = sorted(object_ids - self._read.keys())
        if self._own is not None:
            self._read.update(read_blobs(self._own, those_there(self._own, missing)))
            missing = [object_id for object_id in missing if object_id not in self._read]
        cache = self._settings.cache if len(missing) >= _WORTH_KEEPING else None
        if cache is not None:
            self._read.update(read_kept(cache, frozenset(missing)))
            missing = [object_id for object_id in missing if object_id not in self._read]
        if missing:
            fetched = self._fetch(missing)
            self._read.update(fetched)
            if cache is not None:
                keep(cache, fetched)
        return {object_id: self._read[object_id] for object_id in object_ids}

    def _fetch(self, object_ids: list[str]) -> dict[str, bytes]:
        listed = "".join(f"{object_id}\n" for object_id in object_ids).encode()
        try:
            self._git.over_network(
                "-c", "fetch.negotiationAlgorithm=noop",
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none", "--stdin", "origin",
                stdin=listed,
            )  # fmt: skip
            return read_blobs(self._git, object_ids)
        except GitFailed as failure:
            raise explain(failure, "reading values files", self._settings) from failure
