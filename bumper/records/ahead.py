"""What every change needs of GitLab, asked while the values files are fetched: two requests less to wait for."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from bumper.gitlab.connection import GitLab
from bumper.gitlab.merge_requests import Recent, find_recent
from bumper.gitlab.project import ProjectSettings, read_project


@dataclass(frozen=True, slots=True)
class Ahead:
    """The answers under way. Both are waited for, the project's comes last: the connection to GitLab's API is one."""

    _recent: Future[Recent]
    _project: Future[ProjectSettings]

    def recent(self) -> Recent:
        """The merge requests that changed last. Raises what asking for them raised."""
        self._project.exception()
        return self._recent.result()

    def project(self) -> ProjectSettings:
        """The project's settings. Raises what asking for them raised."""
        return self._project.result()


def ask_ahead(gitlab: GitLab, target_branch: str) -> Ahead:
    """Ask now; nobody waits for answers that turn out not to be needed."""
    pool = ThreadPoolExecutor(1)
    ahead = Ahead(pool.submit(find_recent, gitlab, target_branch), pool.submit(read_project, gitlab))
    pool.shutdown(wait=False)
    return ahead
