"""The image's HEALTHCHECK: exit with 0 when the service of this container answers that it runs, else with 1.

It asks /livez and not /readyz: an outage of a chain or of the database is not cured by a restart. BENTOML_PORT is the
variable by which BentoML itself is told another port.
"""

import http.client
import os
import sys


def answers(port: int) -> bool:
    """Whether GET /livez is 200 within four seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not answers(int(os.environ.get("BENTOML_PORT", "3000"))))
