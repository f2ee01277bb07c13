"""
Schemathesis on every operation, in short; ``make fuzz-api`` does it for ten minutes on a real server.

What comes back is described, and nothing breaks, whether a request fits the description or not.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from programs import make_key
from scene import BASE_URL
from schemathesis import GenerationMode, checks

SHORT = settings(
    max_examples=2, deadline=None, phases=(Phase.explicit, Phase.generate), derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
CHECKS = (
    checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_headers_conformance, checks.response_schema_conformance,
)  # fmt: skip


@pytest.fixture(scope="module")
def secret(scene):
    return make_key(scene, per_minute=60_000).text


@pytest.mark.same_on_any_server
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
def test_nothing_breaks_and_everything_is_described(scene, secret, mode):
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", scene.app)
    tried, statuses = 0, set()
    for result in schema.get_all_operations():
        operation = result.ok()

        @SHORT
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case):
            nonlocal tried
            scene.forget_limits()
            answer = case.call(headers={"Authorization": f"Bearer {secret}"}, base_url=BASE_URL)
            case.validate_response(answer, checks=list(CHECKS))
            statuses.add(answer.status_code)
            tried += 1

        try:
            ask()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, operation.label  # Nothing can be wrong with it.
    assert tried > 60
    assert statuses & {200, 201, 202, 400, 404, 415}
