"""The whole loop, by the commands alone."""

from tests.support.deployments import PROD, Deployments, moves

BACKEND = "registry.tbank.local/backend/app"


def test_from_a_new_image_to_prod_back_and_on_again(deployments: Deployments) -> None:
    loop, prod = deployments, PROD.format("backend")
    begun = loop.content(prod)
    promote = ("promote", "staging", "prod", "--app", "backend")

    assert moves(loop.merged("bump", "staging", f"{BACKEND}:1.0.3")) == [("backend", "1.0.2", "1.0.3")]
    assert moves(loop.merged(*promote)) == [("backend", "1.0.1", "1.0.3")]
    back = loop.merged("rollback", "prod", "--app", "backend", "--hold", "payment errors")
    assert moves(back) == [("backend", "1.0.3", "1.0.1")]

    held = loop.run(*promote)
    assert (held["status"], held["held"][0]["reason"]) == ("held", "payment errors")
    assert next(row["held"] for row in loop.run("status", "prod")["environments"]["prod"]) == "payment errors"

    loop.merged("unhold", "prod", "--app", "backend")
    assert loop.content(prod) == begun
    assert moves(loop.merged(*promote)) == [("backend", "1.0.1", "1.0.3")]
    assert loop.content(prod) == begun.replace(b"1.0.1", b"1.0.3")
    assert loop.history("prod") == [
        ("backend", "1.0.1", "1.0.3"),
        ("backend", "1.0.3", "1.0.1"),
        ("backend", "1.0.1", "1.0.3"),
    ]
