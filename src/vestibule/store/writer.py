"""Gathered commits: what arrives within a moment is one transaction, then everyone is answered.

A commit to disk costs the same for one act as for sixty. Each act keeps its own fate: one that
fails is undone alone (a savepoint) and only its submitter hears of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.store.engine import Store

T = TypeVar("T")
Act = Callable[[AsyncConnection], Awaitable[T]]

GATHER_SECONDS = 0.002
_MOST_IN_ONE = 256


@dataclass(frozen=True, slots=True)
class _Submission:
    act: Act[Any]
    done: "asyncio.Future[Any]"


class Writer:
    """Submissions in, one transaction for all that gathered, answers out after the commit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[_Submission] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, act: Act[T]) -> T:
        """Do an act in a transaction; its result, once durable. Raises what either raises."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Submission(act, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_all())
        return await done

    async def close(self) -> None:
        """Wait until everything submitted is written."""
        if self._task is not None:
            await self._task

    async def _write_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            batch, self._waiting = self._waiting[:_MOST_IN_ONE], self._waiting[_MOST_IN_ONE:]
            try:
                results = await self._write(batch)
            except Exception as error:  # the commit's failure is each submitter's
                results = [error] * len(batch)
            for submission, result in zip(batch, results, strict=True):
                _answer(submission, result)

    async def _write(self, batch: list[_Submission]) -> list[Any]:
        results: list[Any] = []
        async with self._store.begin() as connection:
            for submission in batch:
                try:
                    async with connection.begin_nested():
                        results.append(await submission.act(connection))
                except Exception as error:  # handed to its submitter
                    results.append(error)
        return results


def _answer(submission: _Submission, result: Any) -> None:
    if submission.done.done():
        return
    if isinstance(result, Exception):
        submission.done.set_exception(result)
    else:
        submission.done.set_result(result)
