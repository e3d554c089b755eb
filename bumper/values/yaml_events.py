"""The events of a YAML text, as Helm reads it. The only importer of PyYAML, for the libyaml in it.

Helm's reader is a port of libyaml to Go, and the two differ in two places that real files reach (checked with Helm
4.2): to Go, a byte order mark at the start of a later line is a letter, and so is a colon before a bracket or a comma
inside brackets, ``[latest:]``. Both are hidden from libyaml behind a character that the text does not use, so that
every mark stays where it is.
"""

from collections.abc import Iterator

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import Event, ScalarEvent
from yaml.reader import ReaderError

_BOM = "\ufeff"
_COLON_IN_FLOW = "found unexpected ':'"
_MAX_COLONS = 100  # each takes another reading of the text
_PRIVATE_USE = range(0xE000, 0xF900)  # characters without a meaning of their own


class YamlSyntaxError(Exception):
    """What libyaml cannot read, and the character of the text at which it stopped."""

    def __init__(self, problem: str, place: int) -> None:
        """``problem`` in libyaml's words."""
        super().__init__(problem)
        self.problem = problem
        self.place = place


class ReadAgain(Exception):
    """A colon that libyaml stumbled over is hidden now: read the text again."""


class YamlText:
    """A text without a byte order mark before it, and what is hidden in it from libyaml."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._readable = text
        self._meant: dict[str, str] = {}
        self._colons = 0
        if _BOM in text:
            self._readable = text.replace(_BOM, self._stand_in(_BOM))

    def events(self) -> Iterator[Event]:
        """Read the text from its start.

        Raises:
            YamlSyntaxError: it is not YAML.
            ReadAgain: it is to be read again; what was made of the events so far is void.

        """
        try:
            # Not yaml.parse, which asks before each event whether there is another: a third of the time that it takes.
            events = iter(yaml.CSafeLoader(self._readable).get_event, None)
            yield from map(self._shown, events) if self._meant else events
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = mark.index if mark is not None else 0
            if error.problem == _COLON_IN_FLOW and self._colons < _MAX_COLONS:
                self._hide_colon(place)
                raise ReadAgain from error
            raise YamlSyntaxError(error.problem or "not readable as YAML", place) from error
        except ReaderError as error:  # of a character that YAML forbids; its position counts bytes
            read = self._text.encode()[: error.position].decode(errors="ignore")
            raise YamlSyntaxError(error.reason, len(read)) from error
        except (YAMLError, ValueError) as error:  # a lone surrogate cannot be handed to libyaml
            raise YamlSyntaxError(str(error), 0) from error

    def _shown(self, event: Event) -> Event:
        """The event with the signs that were hidden from libyaml."""
        if type(event) is ScalarEvent:
            for sign, meant in self._meant.items():
                event.value = event.value.replace(sign, meant)
        return event

    def _hide_colon(self, place: int) -> None:
        sign = next((sign for sign, meant in self._meant.items() if meant == ":"), None) or self._stand_in(":")
        self._readable = f"{self._readable[:place]}{sign}{self._readable[place + 1 :]}"
        self._colons += 1

    def _stand_in(self, meant: str) -> str:
        sign = next((sign for sign in map(chr, _PRIVATE_USE) if sign not in self._readable), None)
        if sign is None:
            raise YamlSyntaxError("every character of Unicode's private use area is in it", 0)
        self._meant[sign] = meant
        return sign
