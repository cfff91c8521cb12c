"""The forms in which a picture is sent: as the body itself, in a form (multipart or urlencoded), or in JSON.

Each form reads its body piece by piece into one `Received`, which keeps the picture and little else.
"""

from api.bodies.received import BASE64, FILE, URL, Received
from api.bodies.table import FORMS, Form, form_of

__all__ = ["BASE64", "FILE", "FORMS", "URL", "Form", "Received", "form_of"]
