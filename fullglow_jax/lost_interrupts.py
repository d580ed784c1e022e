"""Ctrl-C that comes where Python would only print it."""

import signal
import sys
import threading

_SOON = 0.1
"""Seconds, in which whatever was interrupted has ended."""


def heed_every_interrupt() -> None:
    """From now on, a KeyboardInterrupt that nothing could catch is raised once more.

    Signals are handled between any two instructions, also in finalizers and in the garbage
    collector's callbacks, of which JAX has one. What is raised there, Python reports and forgets:
    the program would go on.
    """
    report = sys.unraisablehook

    def heed(lost: "sys.UnraisableHookArgs") -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            report(lost)
            return
        main = threading.main_thread().ident
        assert main is not None
        again = threading.Timer(_SOON, signal.pthread_kill, (main, signal.SIGINT))
        again.daemon = True
        again.start()

    sys.unraisablehook = heed
