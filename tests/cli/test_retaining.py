"""``authsvc retention run``: what would end, and what has."""

import json

from authsvc import retention


def test_every_rule_is_reported_with_its_days_and_rows(authsvc):
    found = json.loads(authsvc("retention", "run", "--json").out)

    assert found["dry_run"] is False
    assert {rule["rule"] for rule in found["rules"]} == {rule.name for rule in retention.RULES}
    assert {rule["days"] for rule in found["rules"] if rule["rule"] == "scans"} == {90}


def test_a_dry_run_says_so_and_settings_are_heard(authsvc, monkeypatch):
    monkeypatch.setenv("AUTHSVC_KEEP_REPORTS_DAYS", "45")

    shown = authsvc("retention", "run", "--dry-run").out

    assert "report-photos: 0 rows would end (after 45 days)" in shown
    assert "followers: 0 rows would end (at their own time)" in shown
