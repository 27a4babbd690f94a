"""The Content-Security-Policy of our pages, importable from a settings module: `SECURE_CSP = POLICY`."""

from __future__ import annotations

#: What a page may load. Everything of ours comes from the site itself and nothing is inline.
POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}
