"""An embedded GitLab-compatible server on loopback: real git, GitLab's REST calls, a page for each merge request.

``Sandbox`` starts it, and is all that the rest of bumper and the tests need. ``application`` sends each request to its
room: ``api`` (REST), ``remote`` (git over HTTP and its hooks) or ``pages``. They do what ``behaviour`` knows of GitLab
to what ``state`` remembers, and ``git`` keeps the repositories. What kind of GitLab it is, ``state.settings`` says.
"""

from bumper.sandbox.server import Sandbox

__all__ = ["Sandbox"]
