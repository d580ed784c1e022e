"""How a command can end early."""


class UserError(Exception):
    """Bad input: the message names the thing, says what was expected and how to mend it.

    The command line prints the message alone, without a traceback, and exits with 1.
    """


class LeaveAtOnce(Exception):  # noqa: N818 (it need not be an error)
    """All is saved and said, and what still runs in other threads must not be waited for.

    Attributes:
        code: What the command exits with.
    """

    def __init__(self, message: str = "", code: int = 0) -> None:
        super().__init__(message)
        self.code = code
