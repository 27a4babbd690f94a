"""Small helpers for reading a request's parameters."""

from __future__ import annotations

from .errors import refused


def metadata(old, sent):
    """Stripe's merge: an empty value removes a key, an empty string removes all."""
    if sent == "":
        return {}
    merged = {**(old or {}), **(sent or {})}
    return {k: v for k, v in merged.items() if v != ""}


def assign(obj, sent, *names):
    """Copy what was sent; an empty string unsets."""
    for name in names:
        if name in sent:
            obj[name] = None if sent[name] == "" else sent[name]
    if "metadata" in sent:
        obj["metadata"] = metadata(obj.get("metadata"), sent["metadata"])


def one_of(sent, *names):
    """Exactly one of the parameters, or a refusal."""
    given = [name for name in names if sent.get(name) not in (None, "")]
    if len(given) > 1:
        raise refused(
            f"You may only specify one of these parameters: {', '.join(names)}.", param=given[1]
        )
    if not given:
        raise refused(
            f"You must specify one of these parameters: {', '.join(names)}.",
            param=names[0], code="parameter_missing",
        )  # fmt: skip
    return given[0]


def at_most_one(sent, *names):
    given = [name for name in names if sent.get(name) not in (None, "", [], {}, False)]
    if len(given) > 1:
        raise refused(
            f"You may only specify one of these parameters: {', '.join(names)}.", param=given[1]
        )


def need(sent, name, why=""):
    if sent.get(name) in (None, ""):
        message = f"Missing required param: {name}." + (f" {why}" if why else "")
        raise refused(message, param=name, code="parameter_missing")
    return sent[name]


def unsupported(sent, known):
    """Say what this stand-in would have to ignore, rather than ignore it."""
    for name in sorted(set(sent) - known):
        raise refused(f"This stand-in does not do `{name}` (see its README).", param=name)
