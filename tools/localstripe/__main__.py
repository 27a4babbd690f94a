"""`python -m localstripe --port 4242 --state var/localstripe.sqlite3 --webhook-url … --secret whsec_…`"""

from __future__ import annotations

import argparse
import threading

from . import LocalStripe


def main():
    parser = argparse.ArgumentParser(
        prog="localstripe", description="A stand-in for Stripe on this machine."
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", help="one SQLite file; without it nothing is kept")
    parser.add_argument("--webhook-url")
    parser.add_argument("--secret", help="the signing secret of the webhook, whsec_…")
    options = parser.parse_args()
    try:
        stripe = LocalStripe(
            options.state, options.webhook_url, options.secret, options.port
        ).start()
    except (RuntimeError, ValueError, OSError) as exc:
        parser.exit(2, f"localstripe: {exc}\n")
    print(
        f"A stand-in for Stripe listens on {stripe.url} — its clock and events: {stripe.url}/_local/",
        flush=True,
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        stripe.stop()


if __name__ == "__main__":
    main()
