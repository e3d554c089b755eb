"""CI pipelines of a source project."""

SERVER = "https://gitlab.example.com"


def pipeline(number: int, project: str = "team/app") -> dict[str, str]:
    """What GitLab tells a job of its pipeline."""
    url = f"{SERVER}/{project}/-/pipelines/{number}"
    return {
        "CI_PIPELINE_ID": str(number),
        "CI_PIPELINE_URL": url,
        "CI_SERVER_URL": SERVER,
        "CI_PROJECT_PATH": project,
    }
