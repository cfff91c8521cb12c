"""Parsers of request bodies: the picture itself, a form (multipart or urlencoded), or JSON.

Each parser reads the body in pieces into one `Received`, which keeps the picture and little else.
"""

from api.bodies.received import BASE64, FILE, URL, Received
from api.bodies.table import FORMS, Form, form_of

__all__ = ["BASE64", "FILE", "FORMS", "URL", "Form", "Received", "form_of"]
