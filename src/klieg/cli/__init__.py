"""The command line: thin verbs over the library, each in a room of its own.

Verbs are loaded when called, so that ``klieg --help`` imports click and nothing else. This room
knows the verbs' names and the exit codes; it knows no verb's work. Only the command line prints.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from importlib import import_module

import click

from klieg import __version__
from klieg.errors import KliegError

__all__ = ["main", "verbs"]

# name → (room, one line for `klieg --help`); tests/cli/test_cli.py holds it against the rooms
VERBS = {
    "scan": ("klieg.cli.scan", "Find coordinated groups in posts; write a case and a report."),
    "demo": ("klieg.cli.demo", "Simulate a world with known truth, scan it, and say how it went."),
    "show": ("klieg.cli.show", "Print what a case holds: all findings, or one in full."),
    "history": ("klieg.cli.history", "Follow groups through cases of following periods."),
    "export": ("klieg.cli.export", "Write a case as JSON, CSV, Parquet, GEXF, GraphML or HTML."),
    "network": ("klieg.cli.network", "Write the network CNT or CooRTweet would return."),
    "simulate": ("klieg.cli.simulate", "Write a world of posts with planted campaigns."),
    "evaluate": ("klieg.cli.evaluate", "Score a case against known truth."),
    "replay": ("klieg.cli.replay", "Run a run.json again and prove the same bytes."),
    "config": ("klieg.cli.config", "Print every knob and where its value comes from."),
    "doctor": ("klieg.cli.doctor", "Check the installation; --warm compiles ahead of time."),
}


class Verbs(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(VERBS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], VERBS, 1)
            hint = f" Did you mean {near[0]!r}?" if near else " See `klieg --help`."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `klieg demo`, then `klieg scan posts.jsonl`. "
    "Exit codes: 0 ok, 2 usage, 3 input, 4 not in the case, 5 configuration or storage, "
    "6 findings at or above --fail-on, 7 partial, 130 interrupted, 1 anything else.",
)
@click.version_option(__version__, prog_name="klieg")
def verbs() -> None:
    """Find groups of accounts that act together more than chance, shared interest or news explain.

    klieg reads posts, highlights every post that took part with the reason, and writes a case and
    a report. It does not say who runs an account, what anyone intended, or whether a claim is true.
    """


def main() -> None:
    """Run the command line; ends the process with the exit code the error tree documents."""
    _speak_utf8()
    # a scan makes many small lasting objects and few cycles: looking for them often costs a tenth
    gc.set_threshold(200_000, 20, 20)
    try:
        verbs.main(standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        vars(error)["message"] = _harmless(error.message)  # (final to the type checker alone)
        error.show()
        sys.exit(error.exit_code)
    except KliegError as error:
        click.echo(f"klieg: {_harmless(str(error))}", err=True)
        sys.exit(error.exit_code)
    except PermissionError as error:
        click.echo(f"klieg: no permission for {_harmless(str(error.filename))}", err=True)
        sys.exit(5)
    except BrokenPipeError:
        # the reader of our output (head, less) has gone: not an error of ours
        sys.stderr.close()
        sys.exit(0)
    except (KeyboardInterrupt, click.Abort):
        click.echo("klieg: interrupted; nothing was left half-written", err=True)
        _leave(130)


def _leave(code: int) -> None:
    """End now: a kernel that runs on another thread cannot be stopped, nor is it waited for."""
    atexit._run_exitfuncs()  # temporary files go, a Ray of ours ends
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _harmless(message: str) -> str:
    """A message may quote names of files and columns, which are nobody's friends."""
    from klieg.text import safe_term  # heavy, and rarely needed: here only

    return "\n".join(safe_term(line) for line in message.split("\n"))


def _speak_utf8() -> None:
    # a Windows console may still speak a legacy code page, which cannot say most posts
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
