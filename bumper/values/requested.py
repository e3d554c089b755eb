"""From an image that somebody asks for to the edits of one file."""

from collections.abc import Sequence

from bumper.image import ImageReference
from bumper.values.explain import explain_other, explain_refusal, why_not
from bumper.values.pin import Pin
from bumper.values.sharing import moved_unasked
from bumper.values.tag_edit import TagEdit, written_scalars
from bumper.values.values_file import ValuesFile


def edits_for(values: ValuesFile, pins: Sequence[Pin], image: ImageReference) -> tuple[list[TagEdit], list[str]]:
    """The edits that give ``pins`` the version of ``image``, and why some of them cannot have it.

    A digest in ``image`` is written wherever there is a place for one.
    """
    edits: list[TagEdit] = []
    refusals: list[str] = []
    for pin in pins:
        if why_not(pin, image) is not None:
            refusals.append(explain_refusal(values, pin, image))
            continue
        edit = TagEdit(pin, image.tag, image.digest, write_digest=image.digest is not None)
        other = moved_unasked(pin, written_scalars(values, edit), pins)
        if other is None:
            edits.append(edit)
        else:
            refusals.append(explain_other(values, pin, other))
    return edits, refusals
