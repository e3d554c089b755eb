"""GitLab's answers to a GET, checked: what is not of the expected shape is a sentence, not a traceback."""

from typing import TypeVar

from pydantic import BaseModel

from bumper.gitlab.connection import GitLab, translated

_Model = TypeVar("_Model", bound=BaseModel)


def read_answer(gitlab: GitLab, step: str, path: str, model: type[_Model]) -> _Model:
    """GitLab's answer to GET ``path``.

    Raises:
        BumperError: it refuses, does not answer, or answers something else than JSON of that shape.

    """
    with translated(gitlab, step):  # pydantic's error is a ValueError
        return model.model_validate(gitlab.project.manager.gitlab.http_get(path))
