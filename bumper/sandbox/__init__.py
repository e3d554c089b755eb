"""An embedded GitLab-compatible server: real git over HTTP, REST calls, a page for each merge request."""

from bumper.sandbox.server import Sandbox

__all__ = ["Sandbox"]
