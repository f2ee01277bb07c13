import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

BY_HAND = "import pytest\n\ndef test_it():\n    pytest.skip('no browser here')\n"
BY_MARK = "import pytest\n\n@pytest.mark.skip(reason='later')\ndef test_it():\n    pass\n"
WHOLE_FILE = "import pytest\n\npytest.skip('no browser here', allow_module_level=True)\n"


@pytest.mark.same_on_any_server
@pytest.mark.parametrize("content", [BY_HAND, BY_MARK, WHOLE_FILE])
@pytest.mark.parametrize(("setting", "passes"), [("true", False), ("", True)])
def test_nothing_is_skipped_under_ci(tmp_path, content, setting, passes):
    file = tmp_path / "test_skipping.py"
    file.write_text(content)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider", str(file)]
    env = os.environ | {"CI": setting, "PYTHONPATH": str(TESTS)}
    run = subprocess.run(command, check=False, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
    assert ("Under CI nothing is skipped" in run.stdout) is not passes, run.stdout
    assert run.returncode in ({0, pytest.ExitCode.NO_TESTS_COLLECTED} if passes else {1, pytest.ExitCode.INTERRUPTED})
