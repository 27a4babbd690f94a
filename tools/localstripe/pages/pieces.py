"""Pieces of HTML. Everything that comes from outside goes through `e`."""

from __future__ import annotations

import html

from .. import cards

e = html.escape


def layout(title, body):
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{e(title)} · Local Stripe</title>
<link rel="stylesheet" href="/_local/style.css">
</head>
<body>
<header class="banner"><strong>This is a stand-in for Stripe. No money moves.</strong></header>
<main>
<h1>{e(title)}</h1>
{body}
</main>
</body>
</html>
"""


def alert(text):
    return f'<p class="alert" role="alert">{e(text)}</p>' if text else ""


def error_page(text):
    return layout("That did not work", alert(text))


def button(label, action, *, kind="", **fields):
    hidden = "".join(
        f'<input type="hidden" name="{e(k)}" value="{e(str(v))}">' for k, v in fields.items()
    )
    return f'<form method="post" action="{e(action)}" class="inline">{hidden}<button class="{kind}">{e(label)}</button></form>'


def field(name, label, value="", **attributes):
    more = "".join(
        f' {k.rstrip("_").replace("_", "-")}="{e(str(v))}"' for k, v in attributes.items()
    )
    return (
        f'<p class="field"><label for="f-{name}">{e(label)}</label>'
        f'<input id="f-{name}" name="{name}" value="{e(value or "")}"{more}></p>'
    )


def card_fields(typed="", error=""):
    """A card number, typed or chosen from the list of test cards; expiry is filled in."""
    options = "".join(
        f'<option value="{" ".join(n[i : i + 4] for i in range(0, len(n), 4))}">{e(what)}</option>'
        for n, what in cards.SHOWN
    )
    rows = "".join(
        f"<li><code>{' '.join(n[i : i + 4] for i in range(0, len(n), 4))}</code> {e(what)}</li>"
        for n, what in cards.SHOWN
    )
    wrong = {"aria_invalid": "true", "aria_describedby": "card-error"} if error else {}
    number = field(
        "card", "Card number", typed or "4242 4242 4242 4242", list="cards", inputmode="numeric",
        autocomplete="cc-number", required="required", **wrong,
    )  # fmt: skip
    told = f'<p class="alert" role="alert" id="card-error">{e(error)}</p>' if error else ""
    return (
        f'{told}{number}<datalist id="cards">{options}</datalist>'
        f"<details><summary>Test cards</summary><ul>{rows}</ul></details>"
        '<div class="pair">'
        + field("month", "Month", "12", inputmode="numeric", size="3")
        + field("year", "Year", "2034", inputmode="numeric", size="5")
        + "</div>"
    )


def table(head, rows):
    if not rows:
        return "<p>None yet.</p>"
    top = "".join(f'<th scope="col">{e(h)}</th>' for h in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def select(name, label, options, chosen=""):
    rows = "".join(
        f'<option value="{e(v)}"{" selected" if v == chosen else ""}>{e(text)}</option>'
        for v, text in options
    )
    return (
        f'<p class="field"><label for="f-{name}">{e(label)}</label>'
        f'<select id="f-{name}" name="{name}">{rows}</select></p>'
    )
