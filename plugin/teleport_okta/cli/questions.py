"""Questions at the terminal, asked inside the event loop, which works on until the answer comes.

They do not use a thread: a thread that waits for a line cannot be cancelled, so that Ctrl-C would end the command only
after that line.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from teleport_okta.cli.output import read_answer, show, show_question

_ANSWERS: Final = {"y": True, "yes": True, "n": False, "no": False}


async def ask(question: str, *, err: bool = False) -> str:
    """Ask for a line; empty if none is given. Raises Abort at the end of the input."""
    show_question(question, err=err)
    await _line_is_there()
    return read_answer()


async def agrees(question: str, *, default: bool = False, err: bool = False) -> bool:
    """Ask a yes-or-no question until the answer is one of them. Raises Abort at the end of the input."""
    choice = "Y/n" if default else "y/N"
    while True:
        answer = (await ask(f"{question} [{choice}]", err=err)).lower()
        if answer in _ANSWERS:
            return _ANSWERS[answer]
        if not answer:
            return default
        show("please answer y or n", err=err)


async def _line_is_there() -> None:
    """Wait until a line can be read: a terminal gives whole lines."""
    loop, there = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(sys.stdin)
