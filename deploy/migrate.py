"""`python -m deploy.migrate`: bring the ledger's database to the present schema before the pods of a version start.

The service does the same at its own start. A Job does it once for many pods, and an upgrade ends there if it fails.
"""

import asyncio
import sys

from config import ConfigurationError, load
from errors import ServiceError
from storage import migrate


def main() -> None:
    """The command; ends the process with the fault of the settings or of the database."""
    try:
        asyncio.run(migrate(load().ledger_url()))
    except ConfigurationError as error:
        sys.exit(str(error))
    except ServiceError as error:
        sys.exit(error.detail)


if __name__ == "__main__":
    main()
