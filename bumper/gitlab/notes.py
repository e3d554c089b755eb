"""A comment of bumper's own on a merge request that is kept up to date instead of written again."""

from bumper.gitlab.connection import GitLab, translated
from bumper.gitlab.project import current_user_id

_PER_PAGE = 100  # GitLab's most


def keep_note(gitlab: GitLab, iid: int, marker: str, body: str | None) -> None:
    """Have the token's user's one note that begins with ``marker`` say ``body``; one that says it already stays.

    None as the body: there is nothing that deserves a note, and none is made for it.
    """
    user = current_user_id(gitlab)
    with translated(gitlab, f"keeping the note on merge request !{iid}"):
        notes = gitlab.project.mergerequests.get(iid, lazy=True).notes
        found = notes.list(iterator=True, per_page=_PER_PAGE)
        own = next((one for one in found if one.author["id"] == user and str(one.body).startswith(marker)), None)
        if own is None and body is not None:
            notes.create({"body": f"{marker}\n{body}"})
        elif own is not None and str(own.body).strip() != (wanted := f"{marker}\n{body or 'Nothing.'}").strip():
            notes.update(own.get_id(), {"body": wanted})
