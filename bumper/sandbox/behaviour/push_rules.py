"""Push rules: what every commit has to look like that is new on the server."""

import re

from bumper.sandbox.state.records import Project


def message_refusal(project: Project, message: str) -> str | None:
    """GitLab's sentence where the commit message breaks the project's rule."""
    pattern = project.commit_message_regex
    if pattern is None or re.search(pattern, message, re.MULTILINE):
        return None
    return f"Commit message does not follow the pattern '{pattern}'"
