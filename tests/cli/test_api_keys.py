"""The command ``api-key``: a key is made, rotated, listed and revoked, with each act in the log."""

import json

from authsvc.core import api_keys


def test_a_key_lives_from_new_to_revoke(authsvc, halden):
    new = ("api-key", "new", "--brand", "halden", "--name", "ERP", "--scope", "runs:read", "--json")
    made = json.loads(authsvc(*new).out)
    assert api_keys.parse(made["key"])
    (listed,) = json.loads(authsvc("api-key", "list", "--brand", "halden", "--json").out)
    assert (listed["name"], listed["scopes"], len(listed["secrets"])) == ("ERP", ["runs:read"], 1)

    rotated = authsvc("api-key", "rotate", "--brand", "halden", "--id", made["id"]).out.strip()
    table = authsvc("api-key", "list", "--brand", "halden").out
    assert api_keys.parse(rotated).prefix in table
    assert api_keys.parse(made["key"]).prefix in table
    assert rotated not in table
    assert "is revoked" in authsvc("api-key", "revoke", "--brand", "halden", "--id", made["id"]).out
    assert "ended" in authsvc("api-key", "list", "--brand", "halden").out
    again = authsvc("api-key", "rotate", "--brand", "halden", "--id", made["id"], code=1)
    assert "has ended" in again.err
    log = authsvc("audit", "verify", "--brand", "halden")
    assert log.code == 0


def test_no_key_yet_says_how_to_make_one(authsvc, halden):
    found = authsvc("api-key", "list", "--brand", "halden")

    assert (found.out, "authsvc api-key new --brand halden" in found.err) == ("", True)
