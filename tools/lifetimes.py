"""Processes that end with the one that started them, whichever way that one ends.

    subprocess.Popen(tied(["redis-server", "--port", "7000"]))

A parent that was killed cannot end what it started, but Linux can: it sends a signal of one's
choice to a process whose parent has died (PR_SET_PDEATHSIG, prctl(2)). `tied` puts this file in
front of a command. As a program, it asks for that signal and then becomes the command, under the
same process id.

Two limits. The signal comes when the *thread* that started the process ends, so start processes
from a thread that outlives them. The command's own children do not get it, so a command that has
any needs a signal on which it ends them itself. On systems other than Linux nothing is tied.

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
    """Return the command line for a child of this process that ends with it.

    Args:
        signal_number: what the command gets when this process dies. SIGTERM for one that ends
            children of its own, or has something to put away.
    """
    if sys.platform != "linux":
        return list(command)
    # -I and -S: nothing but the interpreter is loaded before the command takes its place.
    shim = [sys.executable, "-I", "-S", os.path.abspath(__file__)]
    return [*shim, str(os.getpid()), str(int(signal_number)), *command]


def end_with(parent: int, signal_number: int) -> None:
    """Have this process get the signal when its parent dies; at once if it is dead already.

    After a change of user it has to be asked for again: the kernel forgets it then.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os.kill(os.getpid(), signal_number)


def exit_on_signals() -> None:
    """Have SIGTERM, SIGHUP and SIGINT unwind this program, so that it ends what it started.

    Only the first one counts: timeout(1) sends two, and a terminal sends one to every process, and
    none may interrupt the clean-up that the first began.
    """
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

    def leave(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, _ignore)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    for number in numbers:
        # A signal that is ignored already (nohup, a shell's background job) stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Unlike SIG_IGN, not inherited by programs that are started from now on."""


def main(arguments: Sequence[str]) -> None:
    """Become the command: `lifetimes.py PARENT SIGNAL COMMAND...`."""
    parent, signal_number, *command = arguments
    end_with(int(parent), int(signal_number))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
