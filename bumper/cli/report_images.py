"""The images that must stay, for people, for jobs (one a line) and for programs."""

from typing import Any

from bumper.commands.images import KeptImages


def images_data(found: KeptImages) -> dict[str, Any]:
    """The contract's JSON of images."""
    listed = [
        {
            "app": one.app,
            "environment": one.environment,
            "image": str(one.image.repository),
            "tag": one.image.tag,
            "digest": one.image.digest,
            "reason": one.reason,
        }
        for one in found.images
    ]
    return {"images": listed}


def images_text(found: KeptImages) -> str:
    """Each image once, one a line."""
    return "\n".join(sorted({str(one.image) for one in found.images}))
