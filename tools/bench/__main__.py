"""`nox -s bench`: every figure of the design in one run. `-- --size medium` takes less content."""

from __future__ import annotations

import argparse
import os
import sys

from .report import Report
from .site import EXAMPLE, ROOT, Site

PARTS = ("pages", "writes", "live", "chat")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--size", choices=("small", "medium", "large"), default="large")
    parser.add_argument("--fresh", action="store_true", help="seed again")
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args()
    var = ROOT / "var" / "bench"
    var.mkdir(parents=True, exist_ok=True)
    site = Site(options.size, var)
    seconds = site.prepare(fresh=options.fresh)
    os.environ.update(site.env)
    sys.path[:0] = [str(EXAMPLE), str(ROOT / "tools")]
    import django

    django.setup()
    from threadflow_site.garbage import settle

    settle()  # as the servers do: some rows are measured in this process
    report = Report()
    wanted = options.only or PARTS
    if seconds > 1:
        report.add(f"seeding {options.size}", seconds, "s", most=600)
    if {"pages", "writes"} & set(wanted):
        from .pages import Content

        content = Content()
    if "pages" in wanted:
        from . import pages

        pages.measure(site, content, report)
    if "writes" in wanted:
        from . import writes

        writes.measure(site, content, report)
    if "live" in wanted:
        from . import live

        live.measure(site, report)
    if "chat" in wanted:
        from . import chat

        chat.measure(site, report)
    report.save(ROOT / "var" / "bench.json")
    print("All hold." if report.holds else "Some do not hold.")
    return 0 if report.holds else 1


if __name__ == "__main__":
    sys.exit(main())
