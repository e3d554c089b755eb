"""Whether the images exist that a change wants to run, and whether their tags mean the digests that it writes."""

from collections.abc import Iterator, Sequence

from bumper.errors import BumperError
from bumper.gate.check_changes import PinChange
from bumper.gate.rules import Broken, Rule
from bumper.registry.resolve import AnotherDigest, RegistryAccess, resolve_all


def broken_images(changes: Sequence[PinChange], access: RegistryAccess) -> Iterator[tuple[PinChange, Broken]]:
    """The changes whose image the registry does not have as it is written; a registry that cannot tell is one, too."""
    wanted = [(one, known.reference) for one in changes if (known := one.change) is not None]
    if not wanted:
        return
    try:
        found = resolve_all([reference for _, reference in wanted], access)
    except BumperError as error:  # the CA file
        found = {reference: error for _, reference in wanted}
    for change, reference in wanted:
        answer = found[reference]
        if isinstance(answer, BumperError):
            rule = Rule.DIGESTS if isinstance(answer, AnotherDigest) else Rule.IMAGE
            yield change, Broken(rule, answer.what, answer.next_step)
