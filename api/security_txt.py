"""`/.well-known/security.txt` (RFC 9116): where to report a vulnerability."""

from datetime import UTC, datetime, timedelta

SECURITY_TXT = "/.well-known/security.txt"
_HOLDS = timedelta(days=364)
"""From the start of the service; the RFC recommends less than a year."""


def security_txt(contact: str, origin: str, now: datetime | None = None) -> str:
    """The file's text.

    Args:
        contact: a `mailto:`, `https:` or `tel:` URI.
        origin: public origin of this service, without a trailing slash.
    """
    expires = ((now or datetime.now(UTC)) + _HOLDS).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {
        "Contact": contact,
        "Expires": expires,
        "Preferred-Languages": "en, de",
        "Canonical": f"{origin}{SECURITY_TXT}",
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items())
