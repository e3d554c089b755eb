"""GitLab's answers to a GET, checked: what is not of the expected shape is a sentence, not a traceback."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from bumper.errors import Unavailable
from bumper.gitlab.connection import GitLab, translated

_Model = TypeVar("_Model", bound=BaseModel)


def read_answer(gitlab: GitLab, step: str, path: str, model: type[_Model]) -> _Model:
    """GitLab's answer to GET ``path``.

    Raises:
        BumperError: it refuses, does not answer, or answers something else than JSON of that shape.

    """
    with translated(gitlab, step):
        answer = gitlab.project.manager.gitlab.http_get(path)
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise Unavailable(
            f"{step} failed: {gitlab.settings.address.gitlab_url} answers something that GitLab does not",
            "check --gitlab-url and what is between bumper and GitLab",
        ) from error
