"""What every command line here shares: errors that help."""

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from fullglow_jax.errors import UserError


def run(main: Callable[[Sequence[str]], int | None]) -> NoReturn:
    """Calls main with the command line's arguments and exits with what it returns.

    A UserError ends in its message alone and exit code 1; Ctrl-C in exit code 130.
    """
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
