"""A counter in a process of its own: takes pickled commands on lines, says pickled outcomes.

Called with the database's address, the home, its node number and its number of shards. A line is
`number base64`, of the command and its key; `close` closes days up to the date that follows.
"""

import asyncio
import os
import pickle  # what a test hands to its own child
import sys
from base64 import b64decode, b64encode
from datetime import date
from pathlib import Path

from tests.store.branch import FIRST_DATE, Branch, settings_for

from counterfoil.journeys.house import open_house
from counterfoil.platform import telemetry
from counterfoil.platform.settings import LogFormat, LogLevel


def say(text: str) -> None:
    """Write a line at once; log lines go to standard error."""
    os.write(1, f"{text}\n".encode())


async def answer(branch: Branch, number: str, encoded: str) -> None:
    command, key = pickle.loads(b64decode(encoded))  # noqa: S301 - from the test itself
    outcome = await branch.ask(command, key=key)
    say(f"{number} {b64encode(pickle.dumps(outcome)).decode()}")


async def main(url: str, home: str, node: str, shards: str) -> None:
    telemetry.configure_logging(LogLevel.WARNING, LogFormat.CONSOLE)
    settings = settings_for(Path(home), node=int(node), shards=int(shards))
    # By the real clock: numbers of one that stands still would follow the nodes, not the order of
    # events, and of two loans at one rate the one with the lower number is paid first.
    async with open_house(settings, url, first_date=FIRST_DATE) as house:
        branch = Branch(house)
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        say("ready")
        async with asyncio.TaskGroup() as group:
            async for line in reader:
                word, rest = line.decode().split()
                if word == "close":
                    await branch.close_to(date.fromisoformat(rest))
                    say("closed")
                else:
                    group.create_task(answer(branch, word, rest))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
