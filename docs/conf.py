"""Sphinx: Markdown pages, strictly."""

project = "Threadflow"
copyright = "2026, the Threadflow authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
html_theme = "furo"
html_title = "Threadflow"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
nitpicky = True
