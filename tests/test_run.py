import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

TESTS = Path(__file__).parent

FILES = {
    "test_by_hand": "import pytest\n\ndef test_it():\n    pytest.skip('no browser here')\n",
    "test_by_mark": "import pytest\n\n@pytest.mark.skip(reason='later')\ndef test_it():\n    pass\n",
    "test_whole_file": "import pytest\n\npytest.skip('no browser here', allow_module_level=True)\n",
}


@pytest.mark.same_on_any_server
@pytest.mark.parametrize(("setting", "passes"), [("true", False), ("", True)])
def test_nothing_is_skipped_under_ci(tmp_path, setting, passes):
    for name, content in FILES.items():
        (tmp_path / f"{name}.py").write_text(content)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "conftest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:schemathesis",
    ]
    env = os.environ | {"CI": setting, "PYTHONPATH": str(TESTS)}
    run = subprocess.run(
        [*command, "--continue-on-collection-errors", "--junitxml=report.xml", str(tmp_path)],
        check=False,
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )

    cases = ET.parse(tmp_path / "report.xml").getroot().iter("testcase")
    ends = {(case.get("classname") or case.get("name")): (case[0].tag, "".join(case.itertext())) for case in cases}
    assert ends.keys() == FILES.keys(), run.stdout
    for name, (end, said) in ends.items():
        assert (end == "skipped") is passes, (name, end, said)
        assert ("Under CI nothing is skipped" in said) is not passes, (name, said)
    assert run.returncode == (pytest.ExitCode.OK if passes else pytest.ExitCode.TESTS_FAILED)
