"""The one exception for what a user can cause and mend."""


class UserError(Exception):
    """Bad input: the message names the thing, says what was expected and how to mend it.

    The command line prints the message alone, without a traceback, and exits with 1.
    """
