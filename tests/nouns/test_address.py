import pytest

from bumper.errors import WrongUsage
from bumper.settings import parse_repository

SECRET = "glpat-s3cr3t"


@pytest.mark.parametrize(
    ("text", "url", "gitlab", "project"),
    [
        (
            "https://gitlab.example.com/platform/gitops.git",
            "https://gitlab.example.com/platform/gitops.git",
            "https://gitlab.example.com",
            "platform/gitops",
        ),
        (
            "https://gitlab.example.com:8443/a/b/c/gitops",
            "https://gitlab.example.com:8443/a/b/c/gitops.git",
            "https://gitlab.example.com:8443",
            "a/b/c/gitops",
        ),
        ("http://[::1]:8080/a/b.git/", "http://[::1]:8080/a/b.git", "http://[::1]:8080", "a/b"),
        (
            "https://gitlab.example.com/platform/gitops/-/tree/main/apps?ref_type=heads#readme",
            "https://gitlab.example.com/platform/gitops.git",
            "https://gitlab.example.com",
            "platform/gitops",
        ),
        (
            "git@gitlab.example.com:platform/gitops.git",
            "git@gitlab.example.com:platform/gitops.git",
            "https://gitlab.example.com",
            "platform/gitops",
        ),
        (
            "ssh://git@gitlab.example.com:2222/platform/gitops.git",
            "ssh://git@gitlab.example.com:2222/platform/gitops.git",
            "https://gitlab.example.com",
            "platform/gitops",
        ),
    ],
)
def test_the_api_follows_from_the_repositorys_url(text: str, url: str, gitlab: str, project: str) -> None:
    address = parse_repository(text, None)

    assert (address.url, address.gitlab_url, address.project) == (url, gitlab, project)
    assert address.name == project.rpartition("/")[2]
    assert address.over_ssh == ("git@" in text)


@pytest.mark.parametrize("gitlab", ["https://example.com/gitlab", "https://example.com/gitlab/api/v4/"])
def test_a_gitlab_under_a_sub_path(gitlab: str) -> None:
    address = parse_repository("https://example.com/gitlab/platform/gitops.git", gitlab)

    assert address.url == "https://example.com/gitlab/platform/gitops.git"
    assert address.gitlab_url == "https://example.com/gitlab"
    assert address.project == "platform/gitops"


def test_the_gitlab_of_an_ssh_url_may_listen_elsewhere() -> None:
    address = parse_repository("git@ssh.example.com:platform/gitops.git", "https://gitlab.example.com:8443")

    assert address.gitlab_url == "https://gitlab.example.com:8443"
    assert address.project == "platform/gitops"


def test_a_password_is_taken_out_of_the_url() -> None:
    address = parse_repository(f"https://oauth2:{SECRET}%2B@gitlab.example.com/a/b.git", None)

    assert address.url == "https://gitlab.example.com/a/b.git"
    assert address.password == f"{SECRET}+"
    assert SECRET not in repr(address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "platform/gitops",
        "/srv/git/gitops.git",
        "file:///srv/git/gitops.git",
        "ftp://gitlab.example.com/a/b.git",
        "https://gitlab.example.com",
        "https://gitlab.example.com/",
        "https://gitlab.example.com/a/../b.git",
        "https://gitlab.example.com/a//b.git",
        "https://gitlab.example.com/a/-b.git",
        "https://gitlab.example.com/a/b.git?private_token=x",
        "https://gitlab.example.com/a/b.git#main",
        "https://-oProxyCommand=x/a/b.git",
        "ssh://-oProxyCommand=x/a/b.git",
        "-u@gitlab.example.com:a/b.git",
        "ext::sh -c id",
    ],
)
def test_what_is_no_such_url_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WrongUsage, match=r"write https://HOST/GROUP/PROJECT\.git"):
        parse_repository(text, None)


def test_a_url_without_a_project_is_named() -> None:
    with pytest.raises(WrongUsage, match=r"^https://gitlab\.example\.com names no project"):
        parse_repository("https://gitlab.example.com", None)


@pytest.mark.parametrize(
    "text",
    [
        f"oauth2:{SECRET}@gitlab.example.com/a/b.git",
        f"ftp://oauth2:{SECRET}@gitlab.example.com/a/b.git",
        f"https://oauth2:{SECRET}/x@gitlab.example.com/a/b.git",
        f"https://oauth2:1/{SECRET}@gitlab.example.com/a/b.git",
        f"https://oauth2:{SECRET}@gitlab.example.com/a//b.git",
        f"https://oauth2:{SECRET}@[::1/a/b.git",
        f"https://gitlab.example.com/a/b.git?private_token={SECRET}",
    ],
)
def test_no_message_shows_the_password(text: str) -> None:
    with pytest.raises(WrongUsage) as refusal:
        parse_repository(text, None)

    assert SECRET not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    "gitlab", ["gitlab.example.com", "ssh://gitlab.example.com", f"https://oauth2:{SECRET}@gitlab.example.com"]
)
def test_a_gitlab_address_that_is_none(gitlab: str) -> None:
    with pytest.raises(WrongUsage, match="--gitlab-url") as refusal:
        parse_repository("https://gitlab.example.com/a/b.git", gitlab)

    assert SECRET not in str(refusal.value)
