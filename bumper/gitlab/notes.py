"""A comment of bumper's own on a merge request that is kept up to date instead of written again."""

from bumper.gitlab.connection import GitLab, translated
from bumper.gitlab.project import current_user_id

_PER_PAGE = 100  # GitLab's most


def keep_note(gitlab: GitLab, iid: int, marker: str, text: str, *, create: bool) -> None:
    """Have the token's user's one note that begins with ``marker`` say ``text``; one that says it already stays.

    Without ``create`` none is made where there is none.
    """
    body = f"{marker}\n{text}"
    user = current_user_id(gitlab)
    with translated(gitlab, f"keeping the note on merge request !{iid}"):
        notes = gitlab.project.mergerequests.get(iid, lazy=True).notes
        found = notes.list(iterator=True, per_page=_PER_PAGE)
        own = next((one for one in found if one.author["id"] == user and str(one.body).startswith(marker)), None)
        if own is None and create:
            notes.create({"body": body})
        elif own is not None and str(own.body).strip() != body.strip():
            notes.update(own.get_id(), {"body": body})
