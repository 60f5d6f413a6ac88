"""What a person sees while a model is trained: a bar for each part of the work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tell = Callable[[str, int, int], None]


@contextmanager
def steps(*, is_shown: bool) -> Iterator[Tell]:
    """Give what training tells its steps to; nothing is drawn where nobody looks."""
    if not is_shown:
        yield lambda _what, _done, _most: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
    )

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def tell(what: str, done: int, most: int) -> None:
        if what not in tasks:
            tasks[what] = progress.add_task(what, total=most)
        progress.update(tasks[what], completed=done)

    with progress:
        yield tell
