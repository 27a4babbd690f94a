"""A small real PDF of text lines: enough for an invoice."""

from __future__ import annotations

from . import money


def document(lines, title):
    """Bytes of a one-page A4 PDF. A line is (x, size, text); lines go down from the top."""
    stream, y = [], 790
    for x, size, text in lines:
        y -= size * 1.6
        safe = (
            text.encode("cp1252", "replace")
            .replace(b"\\", b"\\\\")
            .replace(b"(", b"\\(")
            .replace(b")", b"\\)")
        )
        stream.append(b"BT /F1 %d Tf %d %d Td (%s) Tj ET" % (size, x, round(y), safe))
    content = b"\n".join(stream)
    name = title.encode("ascii", "replace").replace(b"(", b"").replace(b")", b"")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Title (%s) >>" % name,
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        table,
    )
    return bytes(out)


def of_invoice(invoice):
    def amount(value):
        return money.text(value, invoice["currency"])

    rows = [
        (50, 20, f"Invoice {invoice['number'] or '(draft)'}"),
        (50, 9, "This is a stand-in for Stripe. No money moves."),
        (50, 11, f"For: {invoice['customer_name'] or ''} {invoice['customer_email'] or ''}"),
        (50, 11, f"Date: {money.day(invoice['created'])}    Status: {invoice['status']}"),
        (50, 11, ""),
    ]
    rows += [
        (50, 11, f"{row['description']}:  {amount(row['amount'])}")
        for row in invoice["lines"]["data"]
    ]
    rows += [(50, 11, ""), (50, 11, f"Subtotal:  {amount(invoice['subtotal'])}")]
    off = sum(d["amount"] for d in invoice["total_discount_amounts"] or [])
    tax = sum(t["amount"] for t in invoice["total_taxes"] or [])
    rows += [(50, 11, f"Discount:  {amount(-off)}")] * bool(off) + [
        (50, 11, f"Tax:  {amount(tax)}")
    ] * bool(tax)
    rows += [
        (50, 13, f"Total:  {amount(invoice['total'])}"),
        (
            50,
            11,
            f"Due:  {amount(invoice['amount_due'])}    Paid:  {amount(invoice['amount_paid'])}",
        ),
    ]
    return document(rows, f"Invoice {invoice['number']}")
