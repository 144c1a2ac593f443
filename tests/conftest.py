"""No test touches the user's cache: there is none, but where a test makes one."""

from __future__ import annotations

import os

from kfunc_lsp.image import cache

os.environ[cache.VARIABLE] = ""
