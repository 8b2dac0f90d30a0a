"""Reading ahead and writing behind: what takes no network is done while the network works."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")
Made = TypeVar("Made")


def read_ahead(
    items: Iterable[T], read: Callable[[T], Made], ahead: int = 2
) -> Generator[tuple[T, Made], None, None]:
    """Each item with what is read for it, on another thread, so many items ahead.

    Items are taken from their iterator on this thread; what reading raises is raised here.
    """
    with ThreadPoolExecutor(1, "reading") as thread:
        waiting: deque[tuple[T, Future[Made]]] = deque()
        try:
            for item in items:
                waiting.append((item, thread.submit(read, item)))
                if len(waiting) > ahead:
                    first, reading = waiting.popleft()
                    yield first, reading.result()
            while waiting:
                first, reading = waiting.popleft()
                yield first, reading.result()
        finally:
            for _, reading in waiting:
                reading.cancel()


class WriteBehind(Generic[Made]):
    """Does small pieces of work on another thread, in their order, a few behind.

    Parameters
    ----------
    behind : int
        How many pieces may wait; then whoever brings another waits.
    """

    def __init__(self, behind: int = 4) -> None:
        self._behind = behind
        self._thread = ThreadPoolExecutor(1, "writing")
        self._waiting: deque[Future[Made]] = deque()

    def put(self, work: Callable[[], Made]) -> list[Made]:
        """Bring a piece of work; returns what others made meanwhile, or raises their error."""
        self._waiting.append(self._thread.submit(work))
        if len(self._waiting) > self._behind:
            self._waiting[0].exception()  # waits
        made = []
        while self._waiting and self._waiting[0].done():
            made.append(self._waiting.popleft().result())
        return made

    def rest(self) -> list[Made]:
        """Wait for everything; returns what was made."""
        made = []
        while self._waiting:
            made.append(self._waiting.popleft().result())
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish what was brought; after an error, leave out what has not begun."""
        failed = kind is not None and issubclass(kind, Exception)
        self._thread.shutdown(wait=True, cancel_futures=failed)
