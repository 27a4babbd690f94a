"""Files that are sent with a message: stored first, tied to it when it is sent."""

from __future__ import annotations

from typing import Any

from threadflow_core import uploads
from threadflow_core.limits import Limit
from threadflow_core.uploads.models import Upload

from .. import policies

UPLOAD_LIMIT = Limit.parse("chat.upload", "30/10m")


def store_file(*, owner: Any, file: Any) -> Upload:
    """Check and store an uploaded file for a message that is still being written.

    Until it is sent, `owner` alone may fetch it; after a day without a message it is deleted.
    Raises SignInRequired, NotAllowed, PremiumRequired, TooLarge, uploads.Refused. Call it outside
    of transactions.
    """
    policies.require(policies.may_attach(owner))
    return uploads.store(file, owner=owner, kind="file", visibility="target")
