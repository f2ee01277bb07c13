import json

SITE = "https://www.halden.example"


def test_links_and_hosts_are_managed_by_command(halden):
    gtin = json.loads(halden("products", "list", "--json").out)[0]["gtin"]
    new = ("--gtin", gtin, "--type", "gs1:instructions", "--href", f"{SITE}/manual.pdf", "--title", "Manual")

    assert "An admin can register the host first" in halden("links", "add", *new, code=1).err
    assert halden("links", "hosts", "add", "--brand", "halden", f"{SITE}/").out == (
        "Links of halden may lead to www.halden.example.\n"
    )
    added = json.loads(
        halden("links", "add", *new, "--language", "en", "--media-type", "application/pdf", "--json").out
    )
    halden("links", "add", *new[:-2], "--title", "Manual of a lot", "--lot", "L1")
    listed = json.loads(halden("links", "list", "--gtin", gtin, "--json").out)
    assert [(one["title"], one["lot"]) for one in listed] == [("Manual", None), ("Manual of a lot", "L1")]
    assert listed[0]["languages"] == ["en"]
    assert "batch L1" in halden("links", "list", "--gtin", gtin).out

    halden("links", "move", "--gtin", gtin, "--id", added["id"], "down")
    listed = json.loads(halden("links", "list", "--gtin", gtin, "--json").out)
    assert [one["title"] for one in listed] == ["Manual of a lot", "Manual"]
    for one in listed:
        halden("links", "remove", "--gtin", gtin, "--id", one["id"])
    assert "no link yet" in halden("links", "list", "--gtin", gtin).err
    assert json.loads(halden("links", "hosts", "list", "--brand", "halden", "--json").out) == [
        {"host": "www.halden.example", "links": 0}
    ]
    halden("links", "hosts", "remove", "--brand", "halden", "www.halden.example")
    assert halden("links", "hosts", "list", "--brand", "halden", "--json").out == "[]\n"
