"""``gitmig``: the one error boundary and the table of commands."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from gitmig.errors import GitmigError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code; see :func:`run`."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if _quickly(words):
        sys.exit(0)
    import io

    from gitmig.errors import Interrupted

    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names from repositories and databases go wherever the output goes, whatever its encoding.
        sys.stdout.reconfigure(errors="backslashreplace")
    from gitmig.rpc import interrupts

    try:
        code = run(words)
        interrupts.end()
    except KeyboardInterrupt:  # while it tidied up
        interrupts.end()
        code = Interrupted.exit_code
    _exit(code)


def _quickly(words: Sequence[str]) -> bool:
    """Answer what somebody waits for at every turn, with few imports; False if it is for :func:`run`."""
    if words[:2] == ["hook", "advise"] and not any(word.startswith("-") for word in words):
        # Every checkout waits for this.
        from gitmig.cli import advise

        advise.run(words[2:])
        return True
    if words[:1] == ["--complete"] and len(words) in (3, 4):
        # Every press of the Tab key waits for this.
        from gitmig.cli import complete

        complete.run(*words[1:])
        return True
    if words == ["--version"]:
        from gitmig import __version__

        print(f"gitmig {__version__}")
        return True
    if words in (["--help"], ["-h"]):
        from gitmig.cli.pager import paged
        from gitmig.cli.table import overview

        paged(print)(overview(), end="")
        return True
    if words == ["check", "--staged"]:
        # Most commits have nothing to do with the models: they are not to wait for more than this.
        from gitmig.hooks import relevance

        if relevance.passes():
            return True
    return False


def _exit(code: int) -> NoReturn:
    """Exit without taking apart what was imported, which takes longer than many a command."""
    import atexit
    import threading

    if threading.active_count() > 1 or sys.getprofile() is not None or sys.gettrace() is not None:
        sys.exit(code)
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)  # which says that it could not be written
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run the command line. Returns 0 fine, 1 refused or found, 2 usage, 3 our own error, 130 interrupted."""
    from gitmig.errors import GitmigError, Interrupted
    from gitmig.rpc import early

    try:
        if arguments and arguments[0] in ("--install-completion", "--show-completion"):
            from gitmig.cli import completion

            return completion.run(*arguments)
        early.begin(arguments)
        return _understood(arguments)
    except GitmigError as error:
        if "--debug" in arguments:
            import traceback

            traceback.print_exc()
        return _report(arguments, error)
    except KeyboardInterrupt:
        return _report(arguments, Interrupted("interrupted"))
    except BrokenPipeError:
        # The reader of our output went away (`gitmig log | head`): nothing to tell anybody.
        sys.stderr.close()
        return 0
    except Exception as error:
        known = _of_the_disk(error) if "--debug" not in arguments else None
        return _report(arguments, known) if known else _report_unexpected(arguments, error)
    finally:
        early.discard()


def _understood(arguments: Sequence[str]) -> int:
    """Run the command. Raises UsageError, without Typer, if there is no such command or option."""
    from gitmig.cli.table import GROUPS
    from gitmig.cli.words import normalised, require_known

    words = normalised(arguments, GROUPS)
    require_known(words)
    from gitmig.rpc import interrupts, launch

    interrupts.end_in_order()
    launch.begin(arguments)
    return _dispatch(arguments, words)


def _dispatch(arguments: Sequence[str], words: list[str]) -> int:
    """Run the command; ``words`` are the arguments as Typer wants them."""
    if list(arguments) == ["check", "--staged"] and not os.environ.get("PRE_COMMIT_FROM_REF"):
        from gitmig.cli import staged

        return staged.run()
    import typer.main

    from gitmig.cli import help
    from gitmig.cli.app import application
    from gitmig.cli.pager import paged
    from gitmig.errors import Interrupted

    command = typer.main.get_command(application(words[0] if words else None))
    if help.asked(words) and not words[0].startswith("-"):
        paged(print)(help.page(command, words), end="")
        return 0
    try:
        result = command.main(words, prog_name="gitmig", standalone_mode=False)
    except Exception as error:
        usage = _usage_error(error)
        if usage is None:
            raise
        raise usage from None
    if result == Interrupted.exit_code:
        # Typer swallows Ctrl-C without a word.
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _usage_error(error: Exception) -> GitmigError | None:
    """Typer's own usage errors, by what they can do: their classes moved between its versions."""
    from gitmig.errors import Declined, UsageError

    if type(error).__name__ == "Abort":
        return Declined("nothing was changed")
    path = getattr(getattr(error, "ctx", None), "command_path", "gitmig")
    if type(error).__name__ == "NoArgsIsHelpError":
        return UsageError("a command is missing", hint=f"{path} --help")
    if not hasattr(error, "format_message") or not hasattr(error, "exit_code"):
        return None
    option = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption":
        close = [*(getattr(error, "possibilities", None) or ()), None][0]
        hint = f"did you mean {close}?" if close else f"{path} --help"
        return UsageError(f"no such option: {option}", hint=hint)
    return UsageError(error.format_message().rstrip("."), hint=f"{path} --help")


def _report(arguments: Sequence[str], error: GitmigError) -> int:
    from gitmig.cli.words import wanted_format
    from gitmig.render.errors import error_json, error_text

    if wanted_format(arguments) == "json":
        import json

        print(json.dumps(error_json(error)))
    else:
        print(error_text(error), file=sys.stderr)
    return error.exit_code


def _of_the_disk(error: Exception) -> GitmigError | None:
    """What a disk that takes no more makes of a command: no error inside gitmig. None for anything else."""
    import errno

    from gitmig.errors import Refused

    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return None
    where = f" {error.filename}" if error.filename else ""
    how = "make it writable" if error.errno == errno.EROFS else "make room"
    return Refused(f"cannot write{where}: {error.strerror}", hint=f"{how}, then: gitmig recover")


def _report_unexpected(arguments: Sequence[str], error: Exception) -> int:
    from gitmig.cli.words import wanted_format
    from gitmig.render.errors import unexpected_json, unexpected_text

    if wanted_format(arguments) == "json":
        import json

        print(json.dumps(unexpected_json(error)))
    else:
        print(unexpected_text(error), file=sys.stderr)
    return 3
