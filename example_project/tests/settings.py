"""The site's own settings in a folder of their own, without Redis, with cheap passwords."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from unittest import mock

_var = tempfile.mkdtemp(prefix="threadflow-tests-")
atexit.register(shutil.rmtree, _var, ignore_errors=True)
_given = {"THREADFLOW_VAR": _var, "THREADFLOW_ENV": "demo", "SECRET_KEY": "", "ALLOWED_HOSTS": ""}
_none = {
    name: ""
    for name in os.environ
    if name.startswith("REDIS_") or name in ("HOST", "PORT", "EMAIL_URL")
}
with mock.patch.dict(os.environ, {**_none, **_given}):
    for _name in ("ALLOWED_HOSTS", "PORT", *(_none.keys() - {"HOST", "EMAIL_URL"})):
        os.environ.pop(_name, None)
    from threadflow_site.settings import *  # noqa: F403

THREADFLOW_CORE = {**THREADFLOW_CORE, "JOBS_DRIVER": "inline"}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
