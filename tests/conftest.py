"""No test touches the user's cache: there is none, but where a test makes one. None fails for want of speed."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from kfunc_lsp.image import cache

os.environ[cache.VARIABLE] = ""

settings.register_profile("any-speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-speed")
