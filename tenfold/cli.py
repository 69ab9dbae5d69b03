"""The command line: every verb of `verbs/` with the flags of its own signature.

A verb's parameters become arguments and flags, its `Args:` lines their help; `**settings` and
`**options` stand for the settings of the task, read from its dataclass.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import errno
import importlib
import inspect
import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import click

from tenfold.core import progress
from tenfold.core.errors import EnvironmentRefused, Stopped, TenfoldError, UsageError, nearest
from tenfold.core.lazy import lazy
from tenfold.core.version import __version__

__all__ = ["main"]

registry, task_module = lazy("tenfold.tasks.registry"), lazy("tenfold.task")

_ORDER = (
    "check train tune test predict explain similar features report export serve "
    "tasks runs doctor demo"
).split()
_ALSO = {"about": ["--class"]}  # a word that Python keeps for itself
_SHARED = {
    "json": "Print one JSON document (predict, similar: one object a line).",
    "debug": "Show the traceback of an error.",
    "quiet": "Say nothing on standard error.",
}


class _Verbs(click.Group):
    """Lists the verbs without importing any."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_summaries(), key=lambda name: [*_ORDER, name].index(name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, _summaries()[name]) for name in self.list_commands(ctx)])

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _summaries():
            raise _Refused(
                UsageError(
                    f"There is no verb {name!r}",
                    code="unknown-verb",
                    fix=nearest(name, _summaries()),
                )
            )
        return _command(name)


class _Refused(click.ClickException):
    """An error of ours on its way through click."""

    def __init__(self, error: TenfoldError) -> None:
        super().__init__(str(error))
        self.error = error


@cache
def _summaries() -> dict[str, str]:
    """Every verb with the first line of its file."""
    found = {}
    for path in sorted((Path(__file__).parent / "verbs").glob("[!_]*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[path.stem] = text.split("\n")[0]
    return found


class _Verb(click.Command):
    """One verb; the flags of the task join once the first argument tells which it is."""

    function: Callable[..., Any]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = _task_options(self.function, args)
        for option in options:
            if option.name not in {param.name for param in self.params}:
                self.params.append(option)
        words = _words(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption:
            if options or not words or "task" not in inspect.signature(self.function).parameters:
                raise
            # Its flags are unknown because the task is: that is the mistake to tell.
            data = next(filter(os.path.exists, words[1:]), None)
            raise _Refused(registry.asked_back(words[0], data, self.name)) from None

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_help(ctx, formatter)
        if _open_ended(self.function) and not any(
            isinstance(param, _SettingFlag) for param in self.params
        ):
            formatter.write_paragraph()
            formatter.write_text(
                "The task adds its own settings: name it before --help, "
                f"as in `tenfold {self.name} image-classification --help`."
                if "task" in inspect.signature(self.function).parameters
                else "The run adds its own choices: name it before --help."
            )


class _SettingFlag(click.Option):
    """A flag that the task adds."""


def _command(name: str) -> click.Command:
    function = getattr(importlib.import_module(f"tenfold.verbs.{name}"), name)
    helps, example = _explained(inspect.getdoc(function) or "")
    params = [
        _parameter(entry, helps.get(entry.name, ""))
        for entry in inspect.signature(function, eval_str=False).parameters.values()
        if entry.kind is not entry.VAR_KEYWORD
    ]
    params += [
        click.Option([f"--{flag}"], is_flag=True, help=text) for flag, text in _SHARED.items()
    ]
    summary = (inspect.getdoc(function) or "").split("\n")[0]
    verb = _Verb(name, params=params, help=summary, epilog=f"Example:  {example}")
    verb.function = function
    verb.callback = lambda **values: _do(function, name, values)
    return verb


def _explained(text: str) -> tuple[dict[str, str], str]:
    """Help by parameter from `Args:`, and the first line below `Example:`."""
    helps, example, part = {}, "", ""
    for line in text.split("\n"):
        word = line.strip()
        if word in ("Args:", "Example:") or not word:
            part = word or part
        elif part == "Args:" and line.startswith("    ") and ": " in word:
            name, _, said = word.partition(": ")
            helps[name] = said
        elif part == "Example:" and not example:
            example = word
    return helps, example


def _parameter(entry: inspect.Parameter, said: str) -> click.Parameter:
    if entry.kind is entry.VAR_POSITIONAL or entry.kind is entry.POSITIONAL_OR_KEYWORD:
        many = -1 if entry.kind is entry.VAR_POSITIONAL or "list" in str(entry.annotation) else 1
        required = entry.default is entry.empty and many == 1
        return click.Argument([entry.name], nargs=many, required=required)
    name = f"--{entry.name.replace('_', '-')}"
    if entry.default is False:
        return click.Option([name], is_flag=True, help=said)
    shown = entry.default if entry.default is not None else None
    return click.Option(
        [name, *_ALSO.get(entry.name, ())],
        type=_type(str(entry.annotation)),
        default=entry.default,
        help=said,
        show_default=shown not in (None, ""),
    )


def _type(annotation: str) -> Any:
    first = annotation.partition("|")[0].strip()
    return {"int": int, "float": float}.get(first, str)


def _open_ended(function: Callable[..., Any]) -> bool:
    """True for a verb that takes the settings of the task."""
    kinds = [entry.kind for entry in inspect.signature(function).parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds


def _task_options(function: Callable[..., Any], args: list[str]) -> list[click.Option]:
    """Flags from the dataclass of settings or options that one of the words leads to."""
    for word in _words(args) if _open_ended(function) else []:
        with contextlib.suppress(TenfoldError):  # the verb itself will say it, in the same words
            cls = _settings_class(function, word)
            return [_setting_flag(entry, _annotation(entry)) for entry in dataclasses.fields(cls)]
    return []


def _annotation(entry: dataclasses.Field[Any]) -> str:
    """The type of a setting as it is written; merged options hold the types themselves."""
    found: Any = entry.type
    return found if isinstance(found, str) else inspect.formatannotation(found)


def _words(args: list[str]) -> list[str]:
    """What is no flag: arguments, and values of flags."""
    return [word for word in args if not word.startswith("-")]


def _settings_class(function: Callable[..., Any], word: str) -> Any:
    if "task" in inspect.signature(function).parameters:
        return registry.class_of(word)
    about = Path(word) / "task.json"
    if not about.is_file():
        raise UsageError("no run")
    try:
        return task_module.options_of(registry.class_of(str(json.loads(about.read_text())["task"])))
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError("no run") from None


def _setting_flag(entry: dataclasses.Field[Any], annotation: str) -> click.Option:
    facts = entry.metadata
    said = facts.get("help", "").capitalize()
    if facts.get("choices"):
        said += f": {', '.join(map(str, facts['choices']))}"
    unit = f" {facts['unit']}" if facts.get("unit") else ""
    name = f"--{entry.name.replace('_', '-')}"
    return _SettingFlag(
        [name],
        type=_type(annotation),
        default=None,
        help=f"{said}. [default: {entry.default}{unit}]",
    )


# --- doing it -------------------------------------------------------------------------------------


def _do(function: Callable[..., Any], name: str, values: dict[str, Any]) -> None:
    as_json, debug = values.pop("json"), values.pop("debug")
    listener = progress.Silent() if values.pop("quiet") else progress.ProgressLine()
    named = set(inspect.signature(function).parameters)
    given = {key: value for key, value in values.items() if key in named or value is not None}
    try:
        with _terminated(), progress.listening(listener), listener:
            _show(_called(function, given), as_json)
    except BrokenPipeError:  # the reader has seen enough; nothing is left to flush at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except BaseException as error:
        _fail(error, as_json, debug)


def _called(function: Callable[..., Any], given: dict[str, Any]) -> Any:
    """Positional parameters in order, the rest by name."""
    positional = []
    for entry in inspect.signature(function).parameters.values():
        if entry.kind is entry.POSITIONAL_OR_KEYWORD:
            value = given.pop(entry.name)
            value = entry.default if value is None else value
            positional.append(list(value) if isinstance(value, tuple) else value)
        elif entry.kind is entry.VAR_POSITIONAL:
            positional.extend(given.pop(entry.name))
    return function(*positional, **given)


def _show(result: Any, as_json: bool) -> None:
    if isinstance(result, Iterator):
        for one in result:
            click.echo(json.dumps(one.to_json(), ensure_ascii=False) if as_json else str(one))
        _finish(getattr(result, "exit_code", 0))
        return
    if as_json:
        click.echo(json.dumps(result.to_json(), ensure_ascii=False, indent=1))
    elif text := str(result):
        click.echo(text)


def _finish(code: int) -> None:
    if code:
        sys.exit(code)


@contextlib.contextmanager
def _terminated() -> Iterator[None]:
    """SIGTERM outside the loop, which saves its state by itself, ends with its own code."""

    def end(number: int, _: Any) -> NoReturn:
        raise Stopped("Stopped before there was anything to save", signal=number)

    old = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old)


def _fail(error: BaseException, as_json: bool, debug: bool) -> NoReturn:
    if isinstance(error, (SystemExit, GeneratorExit)):
        raise error
    known = _known(error)
    if isinstance(known, Stopped):  # the end has begun: further signals change nothing
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if debug:
        traceback.print_exception(error)
    if as_json:
        click.echo(json.dumps({"schema": 1, "error": known.to_json()}, ensure_ascii=False))
    click.echo(f"Error: {known}", err=True)
    sys.exit(known.exit_code)


def _known(error: BaseException) -> TenfoldError:
    """Ours, or what the machine's own errors mean in our words; the rest is a fault of ours."""
    if isinstance(error, TenfoldError):
        return error
    if isinstance(error, KeyboardInterrupt):
        fix = "The same command begins again, or continues an unfinished run."
        return Stopped("Stopped", signal=2, fix=fix)
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return EnvironmentRefused(
            "Memory ran out", code="memory", fix="Give a smaller --batch, --image-size or --limit."
        )
    if isinstance(error, OSError) and error.errno is not None:
        where = os.fsdecode(error.filename) if error.filename else ""
        fix = _SYSTEM.get(error.errno, "")
        return EnvironmentRefused(f"{error.strerror}", code="system", where=where, fix=fix)
    return TenfoldError(
        f"Something is wrong inside tenfold ({type(error).__name__}: {error})",
        code="internal",
        fix="Please report it, with what --debug shows added.",
    )


_SYSTEM = {
    errno.ENOSPC: "Free some space, or choose another disk with --out.",
    errno.EACCES: "Change the permissions, or choose another place.",
}


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tenfold")
def _tenfold() -> None:
    """A folder goes in; a deep-learning application comes out.

    \b
    tenfold check image-classification photos/
    tenfold train image-classification photos/ --minutes 5
    tenfold predict runs/photos-image-classification-1 new/
    """


def main() -> None:
    """The entry point; errors leave with their own exit code."""
    as_json, debug = "--json" in sys.argv, "--debug" in sys.argv
    for stream in (sys.stdout, sys.stderr):  # names of files need not be UTF-8
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        _tenfold.main(standalone_mode=False)
    except _Refused as error:
        _fail(error.error.with_traceback(error.__traceback__), as_json, debug)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
    except click.UsageError as error:
        _fail(_usage(error).with_traceback(error.__traceback__), as_json, debug)
    except click.exceptions.Abort:
        sys.exit(130)


def _usage(error: click.UsageError) -> UsageError:
    if error.ctx is None:
        return UsageError(error.format_message(), code="usage")
    if isinstance(error, click.NoSuchOption):
        if file := next((w for w in sys.argv if w[:1] == "-" and os.path.lexists(w)), None):
            fix = f"A file of that name is given as {f'./{file}'!r}."
            return UsageError(error.message, code="usage", fix=fix)
        flags = [flag for param in error.ctx.command.params for flag in param.opts]
        fix = nearest(error.option_name, [flag for flag in flags if flag.startswith("--")])
        return UsageError(error.message, code="usage", fix=fix)
    if isinstance(error, click.MissingParameter) and (task := error.ctx.params.get("task")):
        return registry.asked_back(task, None, error.ctx.info_name)
    fix = f"tenfold {error.ctx.info_name} --help shows an example."
    return UsageError(error.format_message(), code="usage", fix=fix)
