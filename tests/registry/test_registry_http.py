"""What happens on the way: retries, redirects, TLS, and answers that are none."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bumper.errors import Refused, Unavailable
from bumper.registry.resolve import RegistryAccess, _base_url, resolve_all
from tests.registry.asking import image, login, reference, resolve
from tests.registry.fake_registry import BEHAVIOURS, DIGEST, INDEX, PASSWORD, Behaviour, FakeRegistry, Reply
from tests.support.spoilt import Spoilt
from tests.support.tls import Tls

Serve = Callable[..., FakeRegistry]
OPEN = Behaviour("open", scheme="")
ANYBODY = RegistryAccess({})


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_failure_is_tried_again(status: int, serve: Serve) -> None:
    registry = serve(OPEN)
    registry.replies = [Reply(status), Reply(status), Reply(status)]
    assert resolve(image(registry), ANYBODY) == DIGEST


def test_dropped_connection_is_tried_again(serve: Serve) -> None:
    registry = serve(OPEN)
    registry.replies = [None, None]
    assert resolve(image(registry), ANYBODY) == DIGEST


def test_lasting_failure_is_told_with_the_way_out(serve: Serve) -> None:
    registry = serve(OPEN)
    registry.replies = [Reply(503)] * 4
    with pytest.raises(Unavailable, match=r"503 Service Unavailable .*--no-verify"):
        resolve(image(registry), ANYBODY)
    assert [seen.path for seen in registry.seen] == ["/v2/backend/app/manifests/1.0.0"] * 4


@pytest.mark.parametrize(("asked", "waited"), [("7", 7), ("3600", 30)])
def test_retry_after_is_obeyed_within_bounds(
    asked: str, waited: int, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("bumper.http.transport.sleep", pauses.append)
    registry = serve(OPEN)
    registry.replies = [Reply(429, {"Retry-After": asked})]
    assert resolve(image(registry), ANYBODY) == DIGEST
    assert pauses == [waited]


def test_registry_that_does_not_listen_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable, match=rf"{host} cannot be reached.*--no-verify"):
            resolve(reference(f"{host}/backend/app:1.0.0"), ANYBODY)


def test_registry_whose_name_is_not_known_cannot_be_reached() -> None:
    """No name below .invalid exists (RFC 6761)."""
    with pytest.raises(
        Unavailable, match=r"registry\.invalid cannot be reached; check its name.*--no-verify"
    ) as raised:
        resolve(reference("registry.invalid/backend/app:1.0.0"), ANYBODY)
    assert "broke off" not in str(raised.value)


def test_answer_without_end_is_cut_off(serve: Serve) -> None:
    registry = serve(Behaviour("large", scheme="", answers_head=False))
    registry.manifest = b" " * (4 * 1024 * 1024 + 1)
    with pytest.raises(Unavailable, match="more than 4194304 bytes"):
        resolve(image(registry), ANYBODY)


@pytest.mark.parametrize("page", [b"<html>Log in</html>", b"[]", b'{"schemaVersion": 1}'])
def test_page_that_is_no_manifest_has_no_digest(page: bytes, serve: Serve) -> None:
    registry = serve(Behaviour("portal", scheme="", digest_on_head=False, digest_on_get=False))
    registry.manifest = page
    with pytest.raises(Unavailable, match="not its manifest"):
        resolve(image(registry), ANYBODY)


def test_digest_that_the_bytes_deny_is_not_believed(serve: Serve) -> None:
    registry = serve(Behaviour("broken", scheme="", digest_on_head=False))
    registry.manifest = INDEX + b"\n"
    with pytest.raises(Unavailable, match="not its manifest"):
        resolve(image(registry), ANYBODY)


def test_redirect_to_another_host_is_followed_without_the_token(serve: Serve, tls: Tls) -> None:
    registry, elsewhere = serve(Behaviour("front", anonymous_token=True)), serve(OPEN, https=True, name="localhost")
    target = f"{elsewhere.url}/v2/backend/app/manifests/1.0.0"
    registry.answer = _redirect_the_authorized(registry, target)  # type: ignore[method-assign]
    assert resolve(image(registry), RegistryAccess({}, ca_file=tls.ca_file)) == DIGEST
    assert [seen.authorization for seen in elsewhere.seen] == [None]


def _redirect_the_authorized(registry: FakeRegistry, target: str) -> Callable[..., Reply | None]:
    answer = registry.answer

    def redirect(seen: object) -> Reply | None:
        usual = answer(seen)  # type: ignore[arg-type]
        if getattr(seen, "authorization", None) and usual is not None and "/manifests/" in getattr(seen, "path", ""):
            return Reply(307, {"Location": target})
        return usual

    return redirect


def test_challenge_of_a_redirects_target_gets_no_password(serve: Serve, tls: Tls) -> None:
    registry, thief = serve(OPEN), serve(BEHAVIOURS[1], https=True, name="localhost")
    registry.replies = [Reply(302, {"Location": f"{thief.url}/v2/backend/app/manifests/1.0.0"})] * 2
    access = RegistryAccess(login(registry.host, thief.behaviour.user), ca_file=tls.ca_file)
    with pytest.raises(Unavailable, match="401"):
        resolve(image(registry), access)
    assert [seen.authorization for seen in thief.seen] == [None]


def test_password_is_not_redirected(serve: Serve, tls: Tls) -> None:
    registry, thief = serve(BEHAVIOURS[0]), serve(OPEN, https=True, name="localhost")
    challenge = Reply(401, {"WWW-Authenticate": 'Basic realm="Registry"'})
    registry.replies = [challenge, Reply(307, {"Location": f"{thief.url}/v2/backend/app/manifests/1.0.0"})]
    with pytest.raises(Unavailable, match="redirects"):
        resolve(image(registry), RegistryAccess(login(registry.host, "ci"), ca_file=tls.ca_file))
    assert thief.seen == []


@pytest.mark.parametrize("location", ["http://localhost:1/", "http://[broken", "ftp://localhost/"])
def test_redirect_to_plain_http_elsewhere_is_not_followed(location: str, serve: Serve) -> None:
    registry = serve(OPEN)
    registry.replies = [Reply(302, {"Location": location})]
    with pytest.raises(Unavailable, match="does not follow"):
        resolve(image(registry), ANYBODY)


def test_circle_of_redirects_ends(serve: Serve) -> None:
    registry = serve(OPEN)
    registry.replies = [Reply(302, {"Location": "/v2/backend/app/manifests/1.0.0"})] * 6
    with pytest.raises(Unavailable, match="more than 5 times"):
        resolve(image(registry), ANYBODY)


def test_token_server_on_another_host_gets_the_password_over_https(serve: Serve, tls: Tls) -> None:
    tokens = serve(Behaviour("tokens", user="ci"), https=True, name="localhost")
    registry = serve(Behaviour("registry", realm=f"{tokens.url}/token"))
    access = RegistryAccess(login(registry.host, "ci"), ca_file=tls.ca_file)
    assert resolve(image(registry), access) == DIGEST


def test_token_server_on_another_host_gets_nothing_over_plain_http(serve: Serve) -> None:
    tokens = serve(Behaviour("tokens"), name="localhost")
    registry = serve(Behaviour("registry", realm=f"{tokens.url}/token"))
    with pytest.raises(Unavailable, match="does not speak HTTPS"):
        resolve(image(registry), RegistryAccess(login(registry.host, "ci")))
    assert tokens.seen == []
    environ = {**login(registry.host, "ci"), "BUMPER_INSECURE_REGISTRIES": f"other.example, {tokens.host}"}
    trusted = RegistryAccess(environ, insecure=frozenset({tokens.host}))
    assert resolve(image(registry), trusted) == DIGEST


def test_an_insecure_registry_gets_the_password_only_if_the_environment_says_so(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(BEHAVIOURS[0])  # as which the fake stands for a host elsewhere
    monkeypatch.setenv("http_proxy", proxy.url)
    host = "registry.internal:5000"
    asked, insecure = reference(f"{host}/backend/app:1.0.0"), frozenset({host})

    with pytest.raises(Unavailable, match=r"not sent over plain HTTP unless the variable BUMPER_INSECURE_REGISTRIES"):
        resolve(asked, RegistryAccess(login(host, "ci"), insecure))
    assert {seen.authorization for seen in proxy.seen} == {None}

    environ = {**login(host, "ci"), "BUMPER_INSECURE_REGISTRIES": host}
    assert resolve(asked, RegistryAccess(environ, insecure)) == DIGEST


def test_a_registry_that_gave_no_answer_is_not_asked_for_every_image(serve: Serve) -> None:
    registry = serve(OPEN)
    registry.replies = [None] * 1000

    found = resolve_all([image(registry, f":{number}") for number in range(200)], ANYBODY)

    assert len({str(error) for error in found.values()}) == 1
    assert "broke off its answer" in str(found[image(registry, ":7")])
    assert len(registry.seen) < 100


def test_no_answer_is_a_bug_of_bumpers(serve: Serve) -> None:
    registry = serve(OPEN)
    for seed in range(300):
        spoilt = Spoilt({"schemaVersion": 2, "token": "x"}, f"registry {seed}")
        registry.answer = lambda _, spoilt=spoilt: Reply(*spoilt(""))  # type: ignore[method-assign,misc]
        found = resolve_all([image(registry)], ANYBODY)[image(registry)]
        assert isinstance(found, str | Refused | Unavailable), seed


@pytest.mark.parametrize("realm", ["http://[broken", "file:///etc/passwd", "//localhost/token"])
def test_realm_that_is_no_web_address_is_refused(realm: str, serve: Serve) -> None:
    registry = serve(OPEN)
    registry.replies = [Reply(401, {"WWW-Authenticate": f'Bearer realm="{realm}"'})]
    with pytest.raises(Unavailable, match="realm"):
        resolve(image(registry), RegistryAccess(login(registry.host, "ci")))


@pytest.mark.parametrize("body", [b"", b"[]", b'{"token": ""}', b'{"token": "a\\r\\nHost: b"}', b"[" * 60000])
def test_token_server_without_a_token_is_unavailable(body: bytes, serve: Serve) -> None:
    registry = serve(Behaviour("registry", repository="backend/app", realm="/v2/backend/app/manifests/token"))
    challenge = f'Bearer realm="{registry.url}/v2/backend/app/manifests/token"'
    registry.replies = [Reply(401, {"WWW-Authenticate": challenge}), Reply(200, {}, body)]
    with pytest.raises(Unavailable, match="gave no token"):
        resolve(image(registry), ANYBODY)


def test_netrc_is_left_alone(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login me password {PASSWORD}\n")
    (tmp_path / ".netrc").chmod(0o600)
    registry = serve(OPEN)
    assert resolve(image(registry), ANYBODY) == DIGEST
    assert {seen.authorization for seen in registry.seen} == {None}


def test_private_authority_is_trusted_by_its_file(serve: Serve, tls: Tls) -> None:
    registry = serve(OPEN, https=True)
    assert resolve(image(registry), RegistryAccess({}, ca_file=tls.ca_file)) == DIGEST


def test_unknown_authority_is_told(serve: Serve) -> None:
    registry = serve(OPEN, https=True)
    with pytest.raises(Unavailable, match="REQUESTS_CA_BUNDLE"):
        resolve(image(registry), ANYBODY)
    assert registry.seen == []


def test_file_without_certificates_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("not a certificate")
    with pytest.raises(Refused, match="holds no CA certificates"):
        resolve(reference("registry.tbank.local/backend/app:1"), RegistryAccess({}, ca_file=broken))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("docker.io", "https://registry-1.docker.io"),
        ("registry.tbank.local", "https://registry.tbank.local"),
        ("registry.tbank.local:5000", "https://registry.tbank.local:5000"),
        ("registry.internal:5000", "http://registry.internal:5000"),
    ],
)
def test_plain_http_only_where_bumper_yaml_says_so(host: str, url: str) -> None:
    assert _base_url(host, RegistryAccess({}, insecure=frozenset({"registry.internal:5000"}))) == url
