"""`python -m deploy.migrate`: bring the ledger's database to the present schema before the pods of a version start.

The service does the same at its own start. A Job does it once for many pods, and an upgrade ends there if it fails.
`--to REVISION` brings it to another revision, also back to an earlier one: docs/operations.md, Rollback.
"""

import argparse
import asyncio
import sys

from config import ConfigurationError, load
from errors import ServiceError
from storage import migrate


def main() -> None:
    """The command; ends the process with the fault of the settings or of the database."""
    parser = argparse.ArgumentParser(prog="python -m deploy.migrate", description="Migrate the ledger's database.")
    parser.add_argument("--to", metavar="REVISION", help="another revision than the newest; nothing may use the ledger")
    to = parser.parse_args().to
    try:
        revision = asyncio.run(migrate(load().ledger_url(), to=to))
    except ConfigurationError as error:
        sys.exit(str(error))
    except ServiceError as error:
        sys.exit(error.detail)
    except ValueError as error:  # no such revision
        sys.exit(str(error))
    print(f"The ledger is at revision {revision}.")  # noqa: T201  # a command's output


if __name__ == "__main__":
    main()
