"""Compiles the translations when a wheel is built, or an editable install is made.

The `.mo` files are not in the repository. Babel compiles them, so that no machine that builds
needs GNU gettext.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileMessages(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        for source in sorted(Path(self.root, "src").glob("*/locale/*/LC_MESSAGES/*.po")):
            with source.open("rb") as file:
                catalog = read_po(file)
            with source.with_suffix(".mo").open("wb") as file:
                write_mo(file, catalog)
        # The ignore file of the repository names them; the wheel takes them all the same.
        build_data["artifacts"].append("src/*/locale/*/LC_MESSAGES/*.mo")
