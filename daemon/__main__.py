"""The command ``notewire``."""

from __future__ import annotations

import sys

from ..streaming.contracts import NotewireError


def main() -> None:
    """Run the command line; a user's mistake is a line of text and exit code 2, never a trace."""
    from .cli import app
    from .logs import log_to_stderr

    log_to_stderr()
    try:
        app()
    except NotewireError as error:
        for line in str(error).splitlines():
            print(f"notewire: {line}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
