import json

import pytest

from authsvc.core.devices import is_secret


@pytest.fixture
def halden(authsvc):
    authsvc("brands", "add", "halden", "--name", "Halden", "--gcp", "9506000")


def test_a_device_is_added_listed_and_revoked(authsvc, halden):
    added = authsvc("devices", "add", "--brand", "halden", "--name", "Line camera 3")
    key = added.out.strip()
    assert is_secret(key)
    assert "not shown again" in added.err

    (device,) = json.loads(authsvc("devices", "list", "--brand", "halden", "--json").out)
    assert (device["name"], device["kind"], device["revoked_at"]) == ("Line camera 3", "key", None)
    assert key not in json.dumps(device)
    assert "Line camera 3" in authsvc("devices", "list", "--brand", "halden").out

    revoked = authsvc("devices", "revoke", "--brand", "halden", "--id", device["id"])
    assert revoked.out == "Line camera 3 is trusted no more. Its scans count again.\n"
    again = authsvc("devices", "revoke", "--brand", "halden", "--id", device["id"], code=1)
    assert "revoked already" in again.err


def test_no_device_yet_says_how_to_add_one(authsvc, halden):
    result = authsvc("devices", "list", "--brand", "halden")

    assert (result.out, "authsvc devices add --brand halden" in result.err) == ("", True)


def test_programs_read_the_key_as_json(authsvc, halden):
    added = json.loads(authsvc("devices", "add", "--brand", "halden", "--name", "Studio", "--json").out)

    assert is_secret(added["key"])
    assert (added["name"], added["kind"]) == ("Studio", "key")


def test_targets_of_false_alarms_are_set_for_a_brand_and_a_product(authsvc, halden, tmp_path):
    file = tmp_path / "products.csv"
    file.write_text("gtin,brand,name,granularity\n09506000134352,halden,Watch,serial\n", encoding="ascii")
    authsvc("products", "import", file)

    brand = authsvc("brands", "set", "halden", "--false-alarms", "0.0003", "--records").out
    assert brand == "Halden accepts 0.0003 of its genuine items flagged.\nCommissioning and sale are recorded.\n"
    followed = authsvc("products", "set", "09506000134352").out
    assert followed == "Of genuine items of Watch, 0.0003 may be flagged.\nCommissioning and sale are recorded.\n"
    own = authsvc("products", "set", "09506000134352", "--false-alarms", "0.01", "--no-records", "--copy-limit", "12")
    assert own.out == (
        "Of genuine items of Watch, 0.01 may be flagged.\nCommissioning and sale are not recorded.\n"
        "An item that 12 visitors confirmed is flagged in any case.\n"
    )
    (product,) = json.loads(authsvc("products", "list", "--json").out)
    assert product["copy_threshold"] == 12
    authsvc("products", "set", "09506000134352", "--copy-limit", "0")
    (product,) = json.loads(authsvc("products", "list", "--json").out)
    assert product["copy_threshold"] is None
    assert "2 to 10000" in authsvc("products", "set", "09506000134352", "--copy-limit", "1", code=1).err
    authsvc("brands", "set", "halden", "--false-alarms", "0.5", code=2)
    again = authsvc("products", "set", "09506000134352", "--brand-false-alarms").out
    assert "0.0003 may be flagged" in again
    both = authsvc("products", "set", "09506000134352", "--brand-false-alarms", "--false-alarms", "0.01", code=1)
    assert "name the product and one of the two" in both.err
