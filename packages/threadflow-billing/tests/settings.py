"""A plain Django site with billing and nothing else; `SWAPPED=1` replaces the plan."""

from __future__ import annotations

import os

from threadflow_core.testing.project import site

swapped = os.environ.get("SWAPPED") == "1"
with_api = os.environ.get("WITHOUT_API") != "1"

globals().update(
    site(
        "threadflow_core",
        "threadflow_billing",
        "tests.host",
        *(["rest_framework", "drf_spectacular"] if with_api else []),
        *(["tests.swapped"] if swapped else []),
        urls="tests.urls",
        name="threadflow-billing",
        THREADFLOW_CORE={
            "JOBS_DRIVER": "inline",
            "ENTITLEMENTS": "threadflow_billing.entitlements.Backend",
        },
        THREADFLOW_BILLING={
            "SECRET_KEY": "sk_test_mock",
            "WEBHOOK_SECRETS": ["whsec_one", "whsec_two"],
            "NETWORK_RETRIES": 0,
            "PLANS": [
                {
                    "code": "reader",
                    "name": "Reader",
                    "default": True,
                    "features": {"test.quota": 3, "test.off": False},
                },
                {
                    "code": "premium",
                    "name": "Premium",
                    "tagline": "For people who answer.",
                    "tier": 10,
                    "prices": {"month": 500, "year": 4800},
                    "gifts": {3: 1500, 12: 4800},
                    "grace_days": 7,
                    "features": {"test.off": True, "test.quota": 10, "test.size": 20},
                },
                {
                    "code": "patron",
                    "name": "Patron",
                    "tier": 20,
                    "prices": {"month": 1000, "year": 10000},
                    "features": {"test.off": True, "test.quota": None, "test.size": 50},
                },
            ],
        },
        REST_FRAMEWORK={
            "EXCEPTION_HANDLER": "threadflow_core.api.exceptions.exception_handler",
            "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
        },
    )
)
if swapped:
    THREADFLOW_BILLING_PLAN_MODEL = "swapped.Tariff"
