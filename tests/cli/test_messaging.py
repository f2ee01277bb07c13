import json


def test_a_brand_says_whom_it_answers(halden):
    brand = ("--brand", "halden")

    assert "answers nobody" in halden("messaging", "show", *brand).err
    assert "check digit" in halden("messaging", "set", *brand, "--gln", "0614141000006", code=1).err
    assert (
        "Set its GLN first"
        in halden("messaging", "permit", *brand, "--gln", "9521321000018", "--name", "W", code=1).err
    )
    halden("messaging", "set", *brand, "--gln", "0614141000005")
    halden("messaging", "permit", *brand, "--gln", "9521321000018", "--name", "Wholesale")
    assert (
        halden("messaging", "permit", *brand, "--gln", "4012345000009", "--name", "No", "--deny").out
        == "No is not answered.\n"
    )
    assert json.loads(halden("messaging", "show", *brand, "--json").out) == {
        "service": {"gln": "0614141000005", "admits": "listed"},
        "requesters": [
            {"gln": "4012345000009", "name": "No", "is_permitted": False},
            {"gln": "9521321000018", "name": "Wholesale", "is_permitted": True},
        ],
    }
    assert "admits listed" in halden("messaging", "show", *brand).out
    halden("messaging", "end", *brand)
    assert "answers nobody now" in halden("messaging", "end", *brand, code=1).err
