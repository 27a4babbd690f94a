from django.apps import AppConfig

from threadflow_core.ports import Feature


class HostConfig(AppConfig):
    """The site's own app: what it declares can be sold."""

    name = "tests.host"
    label = "host"
    features = {
        "test.on": Feature("bool", free=True),
        "test.off": Feature("bool", free=False, label="Live rooms"),
        "test.quota": Feature("quota", free=3, period="day", label="Answers"),
        "test.endless": Feature("quota", free=None),
        "test.ever": Feature("quota", free=1, period="ever"),
        "test.size": Feature("limit", free=2, label="Upload size"),
        "test.none": Feature("limit", free=0),
    }
