"""No test touches the user's cache: there is none, but where a test makes one. None fails for want of speed.

Of several processes that run tests, one has those that share servers.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from kfunc_lsp.image import cache

os.environ[cache.VARIABLE] = ""

settings.register_profile("any-speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-speed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out each test by itself, but those of the server together, and first."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class Sharing(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return _SERVER if nodeid.startswith(_SERVER) else nodeid

    return Sharing(config, log)


_SERVER = "tests/server/"
