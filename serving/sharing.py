"""Requests that are the same and under way at the same moment share one answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from serving.cache.control import CACHE_CONTROL
from serving.dialects import HEADER_LENGTH
from serving.exchange import Response

if TYPE_CHECKING:
    from serving.predicting import Request


class Sharing:
    """Lets a request wait for one like it that is being answered; `shared` is told the model of each that does.

    Alike are requests of one tenant and priority that ask the same model and version the same, byte for byte, and say
    the same of caches. They get the same prediction ids, and the log has the rows once. On the event loop.
    """

    def __init__(self, shared: Callable[[str], None] = lambda _: None) -> None:
        self._shared = shared
        self._under_way: dict[tuple[object, ...], list[asyncio.Future[Response | None]]] = {}

    async def answer(self, request: "Request", compute: Callable[["Request"], Awaitable[Response]]) -> Response:
        """Return the response to a request, whoever computes it; raises what computing it raises."""
        caller = request.caller
        alike = (
            *(request.body, request.model, request.version, request.dialect.action),
            *(caller.tenant, caller.priority, request.headers.get(HEADER_LENGTH), request.headers.get(CACHE_CONTROL)),
        )
        while (waiting := self._under_way.get(alike)) is not None:
            future: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
            waiting.append(future)
            response = await future
            if response is not None:
                self._shared(request.model)
                return response
            # The caller who computed it went away; one of those who wait takes its place.
        waiting = self._under_way[alike] = []
        try:
            response = await compute(request)
        except Exception as error:
            for one in self._settled(alike):
                one.set_exception(error)
            raise
        except BaseException:
            for one in self._settled(alike):
                one.set_result(None)
            raise
        del self._under_way[alike]
        for one in waiting:
            if not one.done():
                one.set_result(response)
        return response

    def _settled(self, alike: tuple[object, ...]) -> list["asyncio.Future[Response | None]"]:
        return [one for one in self._under_way.pop(alike) if not one.done()]
