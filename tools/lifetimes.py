"""Child processes that end with their parent, however it ends.

    subprocess.Popen(tied(["redis-server", "--port", "7000"]))

A killed parent cannot end its children, but Linux can: it sends a chosen signal to a process whose
parent has died (PR_SET_PDEATHSIG, prctl(2)). `tied` prefixes a command with this file. Run as a
program, it requests that signal and then execs the command, keeping the process id.

Two limits. The signal comes when the *thread* that started the process ends, so start processes
from a thread that outlives them. The command's own children do not get it, so a command with
children needs a signal on which it ends them itself. On systems other than Linux, nothing is tied.

Standard library only.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

PR_SET_PDEATHSIG = 1


def tied(command: Sequence[str], signal_number: signal.Signals = signal.SIGKILL) -> list[str]:
    """Return the command line of a child process that ends with this process.

    Args:
        signal_number: sent to the command when this process dies. SIGTERM if it has children
            to end or anything to clean up.
    """
    if sys.platform != "linux":
        return list(command)
    # -I and -S: load only the interpreter before the command replaces it.
    shim = [sys.executable, "-I", "-S", os.path.abspath(__file__)]
    return [*shim, str(os.getpid()), str(int(signal_number)), *command]


def end_with(parent: int, signal_number: int) -> None:
    """Request a signal for the death of this process's parent; sent at once if it is already dead.

    The kernel drops the request on a change of user: request it again afterwards.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os.kill(os.getpid(), signal_number)


def exit_on_signals() -> None:
    """Make SIGTERM, SIGHUP and SIGINT unwind this program, so that it ends its children.

    Only the first one counts: timeout(1) sends two, a terminal sends one to every process, and none
    of them may interrupt the clean-up that the first one began.
    """
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

    def leave(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, _ignore)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    for number in numbers:
        # Signals that are already ignored (nohup, a shell's background job) stay ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Does nothing. Unlike SIG_IGN, it is not inherited by programs started later."""


def main(arguments: Sequence[str]) -> None:
    """Exec the command: `lifetimes.py PARENT SIGNAL COMMAND...`."""
    parent, signal_number, *command = arguments
    end_with(int(parent), int(signal_number))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
