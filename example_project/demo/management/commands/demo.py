"""`manage.py demo`: migrate, fill with people and talk, serve the whole site in one process."""

from __future__ import annotations

import secrets
import shutil
import socket
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from threadflow_site.addresses import EVERYWHERE, in_url

from ... import payments

PEOPLE = {
    "ada": "premium",
    "bo": "free",
    "mod": "moderates the subs",
    "admin": "staff",
}
PASSWORD = "threadflow"  # noqa: S105 - published, and only ever valid on loopback


class Command(BaseCommand):
    help = "Serve the demo. HOST and PORT choose the address; --reset begins with fresh data."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reset", action="store_true", help="begin with fresh data")
        parser.add_argument("--no-serve", action="store_true", help="only prepare the data")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(f"This is a {settings.THREADFLOW_ENV} site, not a demo.")
        if not options["no_serve"]:
            self.check_port()
        if options["reset"]:
            self.reset()
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        if not get_user_model()._default_manager.filter(username="ada").exists():
            self.say("Filling the demo with people and talk …")
            from ...content.load import load

            load(PASSWORD)
        passwords = self.set_passwords()
        if options["no_serve"]:
            self.greet(passwords)
            return
        with payments.running():
            self.greet(passwords)
            self.serve()

    def check_port(self) -> None:
        """Better to say it before the data is prepared than after."""
        wanted = [(settings.HOST, settings.PORT, "PORT")]
        if settings.LOCAL_STRIPE:
            wanted.append(("127.0.0.1", settings.LOCAL_STRIPE_PORT, "LOCAL_STRIPE_PORT"))
        for host, port, name in wanted:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((host, port))
                except OSError as error:
                    raise CommandError(
                        f"Can't listen on {host}:{port} ({error.strerror}). "
                        f"Choose another port: {name}={port + 2}"
                    ) from error

    def reset(self) -> None:
        if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
            raise CommandError("Only the SQLite of the demo is thrown away.")
        for name in ("demo.sqlite3", "demo.sqlite3-wal", "demo.sqlite3-shm"):
            (settings.VAR / name).unlink(missing_ok=True)
        for file in settings.VAR.glob(f"{payments.STATE}*"):
            file.unlink()
        (settings.VAR / payments.CLOCK).unlink(missing_ok=True)
        shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)

    def set_passwords(self) -> dict[str, str]:
        """The published password on loopback; where others can reach the site, random ones."""
        passwords = {}
        for user in get_user_model()._default_manager.filter(username__in=PEOPLE):
            name = user.get_username()
            passwords[name] = PASSWORD if settings.LOOPBACK else secrets.token_urlsafe(9)
            if not user.check_password(passwords[name]):
                user.set_password(passwords[name])
                user.save(update_fields=["password"])
        return passwords

    def greet(self, passwords: dict[str, str]) -> None:
        host = socket.gethostname() if settings.HOST in EVERYWHERE else settings.HOST
        address = f"http://{in_url(host)}:{settings.PORT}"
        width = max(map(len, passwords.values()), default=0)
        people = "\n".join(
            f"              {name:<8}{passwords[name]:<{width + 4}}{about}"
            for name, about in PEOPLE.items()
            if name in passwords
        )
        outbox = (
            "sign-in codes appear there" if settings.LOOPBACK else "for staff: sign in as admin"
        )
        self.say(
            f"""
  Threadflow  {address}/

  People      name    {"password":<{width + 4}}
{people}
  Mails       {address}/dev/outbox/   simulated; {outbox}
  API         {address}/api/docs/
  Admin       {address}/admin/
  Stripe      {payments.address()}
  Simulated   Mail, payments and their clock. SQLite, jobs and live updates run in this one process.
  Ctrl-C stops it.
"""
        )

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def serve(self) -> None:
        import uvicorn

        uvicorn.run(
            "threadflow_site.asgi:application",
            host=settings.HOST,
            port=settings.PORT,
            log_level="warning",
            ws="websockets-sansio",
            ws_max_size=65_536,
            timeout_graceful_shutdown=3,
        )
