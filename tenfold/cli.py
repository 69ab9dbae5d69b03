"""The command line: builds one click command from each verb in `verbs/`.

The parameters of a verb's function become arguments and flags, and its `Args:` lines become their
help texts. `**settings` and `**options` become the settings or options of the task, which are read
from its dataclass, and `**files` those of its options that name files.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import importlib
import inspect
import io
import itertools
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

from tenfold.core import language, progress, system
from tenfold.core.errors import Stopped, StopSignal, TenfoldError, UsageError, nearest
from tenfold.core.language import say
from tenfold.core.lazy import lazy
from tenfold.core.message import Message, with_messages
from tenfold.core.terminal.faults import as_error
from tenfold.core.terminal.flags import SettingFlag, explained, parameter, setting_flag
from tenfold.core.terminal.help_pages import VARIABLE, HelpContext, lang_flag
from tenfold.core.version import __version__

__all__ = ["main"]

registry, task_module = lazy("tenfold.tasks.registry"), lazy("tenfold.task")
settings = lazy("tenfold.core.settings")
choice, reading = lazy("tenfold.workflows.choice"), lazy("tenfold.media.reading")

_ORDER = (
    "check train tune test predict explain similar features report export serve "
    "tasks runs doctor demo"
).split()
_SHARED = {
    "json": "JSON output: one document (predict, similar: one object a line).",
    "debug": "Traceback of errors.",
    "quiet": "No output on standard error.",
}


class _Verbs(click.Group):
    """The command group: lists the verbs without importing any of them."""

    context_class = HelpContext

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_summaries(), key=lambda name: [*_ORDER, name].index(name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, _summaries()[name]) for name in self.list_commands(ctx)])

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _summaries():
            raise UsageError(
                Message("Unknown command {name!r}", name=name),
                code="unknown-verb",
                fix=nearest(name, _summaries()),
            )
        return _command(name)


@cache
def _summaries() -> dict[str, str]:
    """Returns {verb: first line of its module docstring}, in the order of the file names."""
    found = {}
    for path in sorted((Path(__file__).parent / "verbs").glob("[!_]*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[path.stem] = text.split("\n")[0]
    return found


class _Verb(click.Command):
    """The command of one verb; adds the flags of the task or run that an argument names."""

    context_class = HelpContext
    function: Callable[..., Any]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = self._with_task(args)
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
            # The flags are unknown because the task is unknown: report the task.
            data = next(filter(os.path.exists, words[1:]), None)
            raise choice.asked_back(words[0], data, self.name) from None

    def _with_task(self, args: list[str]) -> list[str]:
        """Returns the arguments with the task before the data, if they name data alone."""
        named = {*inspect.signature(self.function).parameters}
        if not {"task", "data"} <= named or {"-h", "--help"} & {*args}:
            return args
        options = [param for param in self.params if isinstance(param, click.Option)]
        switches = {
            flag for one in options if one.is_flag for flag in (*one.opts, *one.secondary_opts)
        }
        listener = progress.Silent() if "--quiet" in args else progress.ProgressLine()
        with progress.listening(listener), listener:
            found: list[str] = choice.with_task(args, switches, self.name)
        return found

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_help(ctx, formatter)
        named = inspect.signature(self.function).parameters
        if (
            _open_ended(self.function)
            and "files" not in named
            and not any(isinstance(param, SettingFlag) for param in self.params)
        ):
            formatter.write_paragraph()
            if "task" in named:
                example = f"`tenfold {self.name} image-classification --help`"
                text = say(
                    "The task adds its own settings: name it before --help, as in {example}.",
                    example=example,
                )
            else:
                text = say("The run adds its own options: name it before --help.")
            formatter.write_text(text)


def _command(name: str) -> click.Command:
    function = getattr(importlib.import_module(f"tenfold.verbs.{name}"), name)
    helps, example = explained(inspect.getdoc(function) or "")
    params = [
        parameter(entry, helps.get(entry.name, ""))
        for entry in inspect.signature(function, eval_str=False).parameters.values()
        if entry.kind is not entry.VAR_KEYWORD
    ]
    params += [
        click.Option([f"--{flag}"], is_flag=True, help=text) for flag, text in _SHARED.items()
    ]
    params += _reading_flags(function)
    if "lang" not in helps:
        params.append(lang_flag())
    summary = (inspect.getdoc(function) or "").split("\n")[0]
    verb = _Verb(name, params=params, help=summary, epilog=f"{say('Example')}{say(': ')}{example}")
    verb.function = function
    verb.callback = lambda **values: _do(function, name, values)
    return verb


def _open_ended(function: Callable[..., Any]) -> bool:
    """Returns True if the verb accepts settings or options of the task as `**keywords`."""
    kinds = [entry.kind for entry in inspect.signature(function).parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds


def _task_options(function: Callable[..., Any], args: list[str]) -> list[click.Option]:
    """Returns flags for the settings of the task, or options of the run, that an argument names."""
    for word in _words(args) if _open_ended(function) else []:
        with contextlib.suppress(TenfoldError):  # the verb itself raises the same error later
            cls = _settings_class(function, word)
            own = [setting_flag(entry) for entry in dataclasses.fields(cls)]
            return [*_reading_flags(function, getattr(cls, "roles", ())), *own]
    return []


def _reading_flags(function: Callable[..., Any], roles: tuple[Any, ...] = ()) -> list[click.Option]:
    """Returns the flags that name columns and notation, for a verb that reads data for a task."""
    named = inspect.signature(function).parameters
    if not {"task", "data"} <= {*named} or not _open_ended(function):
        return []
    return [setting_flag(entry, click.Option) for entry in reading.flags_of(roles)]


def _words(args: list[str]) -> list[str]:
    """Returns all words that do not begin with a dash: arguments and values of flags."""
    return [word for word in args if not word.startswith("-")]


def _settings_class(function: Callable[..., Any], word: str) -> Any:
    named = inspect.signature(function).parameters
    if "task" in named:
        return registry.class_of(word)
    about = Path(word) / "task.json"
    if not about.is_file():
        raise UsageError(Message("There is no run"))
    try:
        task = registry.class_of(str(json.loads(about.read_text())["task"]))
        options = task_module.options_of(task)
        return settings.local_options(options) if "files" in named else options
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(Message("There is no run")) from None


# --- running a verb -------------------------------------------------------------------------------


def _do(function: Callable[..., Any], name: str, values: dict[str, Any]) -> None:
    as_json, debug = values.pop("json"), values.pop("debug")
    quiet = values.pop("quiet")
    listener: progress.ProgressLine | progress.Silent
    listener = progress.Silent() if quiet else progress.ProgressLine()
    named = set(inspect.signature(function).parameters)
    told = {key for key, value in values.items() if value is not None and value != ()}
    given = {key: value for key, value in values.items() if key in named or key in told}
    try:
        with _terminated(), progress.listening(listener), listener:
            _show(_called(function, given), as_json, listener)
    except BrokenPipeError:  # stdout is closed; do not fail again when Python flushes it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except BaseException as error:
        _fail(error, as_json, debug)


def _called(function: Callable[..., Any], given: dict[str, Any]) -> Any:
    """Calls `function` with positional parameters in order and the others by name."""
    positional = []
    for entry in inspect.signature(function).parameters.values():
        if entry.kind is entry.POSITIONAL_OR_KEYWORD:
            value = given.pop(entry.name)
            value = entry.default if value is None else value
            positional.append(list(value) if isinstance(value, tuple) else value)
        elif entry.kind is entry.VAR_POSITIONAL:
            positional.extend(given.pop(entry.name))
    return function(*positional, **given)


def _show(result: Any, as_json: bool, listener: progress.ProgressLine | progress.Silent) -> None:
    """Prints a result; the moving line is erased before each line of it."""
    if isinstance(result, Iterator):
        for one in result:
            line = json.dumps(one.to_json(), ensure_ascii=False) if as_json else str(one)
            with listener.cleared():
                click.echo(line)
        _finish(getattr(result, "exit_code", 0))
        return
    text = _json(result.to_json(), indent=1) if as_json else str(result)
    with listener.cleared():
        if text:
            click.echo(text)


def _json(document: dict[str, Any], indent: int | None = None) -> str:
    return json.dumps(with_messages(document), ensure_ascii=False, indent=indent)


def _finish(code: int) -> None:
    if code:
        sys.exit(code)


@contextlib.contextmanager
def _terminated() -> Iterator[None]:
    """Raises StopSignal on SIGTERM and SIGINT inside the block; the exit code is 143 or 130.

    The training loop handles the signals itself and saves its state.
    """

    def end(number: int, _: Any) -> NoReturn:
        raise StopSignal(number)

    old = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _fail(error: BaseException, as_json: bool, debug: bool) -> NoReturn:
    if isinstance(error, (SystemExit, GeneratorExit)):
        raise error
    known = as_error(error)
    if isinstance(known, Stopped):  # ignore further signals while the program ends
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if debug:
        traceback.print_exception(error)
    if as_json:
        click.echo(_json({"schema": 1, "error": known.to_json()}))
    click.echo(f"{say('Error')}{say(': ')}{known}", err=True)
    sys.exit(known.exit_code)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tenfold")
def _tenfold() -> None:
    """Deep learning from a folder of examples to a working application.

    \b
    tenfold check image-classification photos/
    tenfold train image-classification photos/ --minutes 5
    tenfold predict runs/photos-image-classification-1 new/
    """


def main() -> None:
    """Runs the command line; an error ends the process with the exit code of its class."""
    as_json, debug = "--json" in sys.argv, "--debug" in sys.argv
    for stream in (sys.stdout, sys.stderr):  # file names may not be valid UTF-8
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    system.BEGAN.set(system.process_began())
    with language.speaking(_language(sys.argv)):
        _tenfold.params = [*_tenfold.params[:1], lang_flag(before_verb=True)]
        _run(as_json, debug)


def _language(words: list[str]) -> str:
    """Returns the display language: --lang, else TENFOLD_LANG, else English.

    An unknown language gives English.
    """
    given = [after for word, after in itertools.pairwise(words) if word == "--lang"]
    given += [word.removeprefix("--lang=") for word in words if word.startswith("--lang=")]
    lang = (given or [os.environ.get(VARIABLE, "")])[-1]
    return lang if lang in language.LANGUAGES else "en"


def _run(as_json: bool, debug: bool) -> None:
    try:
        _tenfold.main(standalone_mode=False)
    except TenfoldError as error:
        _fail(error, as_json, debug)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
    except click.UsageError as error:
        _fail(_usage(error).with_traceback(error.__traceback__), as_json, debug)
    except click.exceptions.Abort:
        sys.exit(130)


def _usage(error: click.UsageError) -> UsageError:
    if error.ctx is None:
        return UsageError(Message("{text}", text=error.format_message()), code="usage")
    if isinstance(error, click.NoSuchOption):
        if file := next((w for w in sys.argv if w[:1] == "-" and os.path.lexists(w)), None):
            fix = Message("To give a file with this name, write {path!r}.", path=f"./{file}")
            message = Message("No such option: {name}", name=error.option_name)
            return UsageError(message, code="usage", fix=fix)
        flags = [flag for param in error.ctx.command.params for flag in param.opts]
        fix = nearest(error.option_name, [flag for flag in flags if flag.startswith("--")])
        message = Message("No such option: {name}", name=error.option_name)
        return UsageError(message, code="usage", fix=fix)
    if isinstance(error, click.MissingParameter) and (task := error.ctx.params.get("task")):
        return choice.asked_back(task, None, error.ctx.info_name)
    fix = Message("tenfold {verb} --help shows an example.", verb=error.ctx.info_name)
    message = Message("{text}", text=error.format_message())
    if isinstance(error, click.MissingParameter) and error.param is not None:
        message = Message("Missing argument {name}", name=error.param.make_metavar(error.ctx))
    return UsageError(message, code="usage", fix=fix)
