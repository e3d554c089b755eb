"""Values files that are read when they are asked for: of the thousands in an environment few are edited."""

from collections.abc import Iterator, Mapping

from bumper.values.values_file import ValuesFile, read_values


class ValuesOnDemand(Mapping[str, ValuesFile]):
    """Values files by path, each read once; whoever asks for one that cannot be read is told so (Refused)."""

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        """``sources`` are their bytes."""
        self._sources = sources
        self._read: dict[str, ValuesFile] = {}

    def __getitem__(self, path: str) -> ValuesFile:
        if path not in self._read:
            self._read[path] = read_values(path, self._sources[path])
        return self._read[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)
