"""The gateway as an ASGI application: which path is answered by what."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import structlog

from lifecycle.tenants import Role
from serving.dialects import DIALECTS
from serving.docs_page import docs_page
from serving.doors.door import Door
from serving.exchange import HTML, ClientGone, Headers, Receive, Response, Send, problem_response, send_response
from serving.health import Health
from serving.jobs.desk import JobDesk
from serving.metadata import model_list, model_metadata, server_metadata
from serving.metrics.exposition import CONTENT_TYPE as METRICS
from serving.metrics.metrics import Metrics
from serving.metrics.requests import RequestMeter
from serving.models import Models
from serving.openapi import openapi
from serving.predicted import VersionFailed
from serving.predicting import Keyed, Predicting
from serving.problem import Problem, problem_of, refused
from serving.registry_hook import RegistryHook
from serving.sharing import Sharing

log = structlog.get_logger()

_encode = msgspec.json.Encoder().encode
UNREADY_RETRY_SECONDS = 1
_DIALECTS = {dialect.action: dialect for dialect in DIALECTS}
HEALTH = ("v2/health/live", "v2/health/ready")
"""Pages that every door leaves open: whoever watches over processes has no key."""


class Application:
    """The raw ASGI application over a set of models; `on_open` runs on the event loop when its server starts.

    `on_close` runs when it shuts down.

    Without a `registry_hook` nothing is served at its path, nor without `metrics` or `jobs` at theirs. The `door` lets
    requests in; by default everybody. Without `keyed`, requests with an idempotency key are refused.
    """

    def __init__(
        self,
        models: Models,
        on_close: Callable[[], None] = lambda: None,
        registry_hook: RegistryHook | None = None,
        metrics: Metrics | None = None,
        on_open: Callable[[], None] = lambda: None,
        *,
        door: Door | None = None,
        jobs: JobDesk | None = None,
        keyed: Keyed | None = None,
    ) -> None:
        self._door = Door() if door is None else door
        self._on_open = on_open
        self._on_close = on_close
        self._registry_hook = registry_hook
        self._metrics = metrics
        self._meter = RequestMeter(lambda name: name in models.names()) if metrics is None else metrics.replica.meter
        self._models = models
        self._health = Health(models)
        self._jobs = jobs
        self._predicting = Predicting(
            models,
            self._door,
            None if jobs is None else jobs.later,
            sharing=Sharing(self._meter.shared),
            keyed=keyed,
        )
        self._pages: Mapping[str, Callable[[], Response]] = {
            "": lambda: Response(b"", 307, HTML, ((b"location", b"/docs"),)),
            "docs": lambda: Response(docs_page(models), content_type=HTML),
            "openapi.json": lambda: _json(openapi(models)),
            "v2": lambda: _json(server_metadata()),
            "v2/health/live": lambda: _json({"live": True}),
            "v2/health/ready": lambda: _ready(self._health.failures()),
            "v2/models": lambda: _json(model_list(models)),
        }

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one exchange; every failure becomes a problem document."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"{scope['type']} is not served here")
        try:
            self._door.head.check(scope["headers"])
            response = await self._respond(scope["method"], scope["path"], dict(scope["headers"]), receive)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - the caller must get an answer, whatever happened
            response = problem_response(_told(error, scope["path"]))
        await send_response(send, response)

    async def _respond(self, method: str, path: str, headers: Headers, receive: Receive) -> Response:
        match path.strip("/").split("/"):
            case ["v2", "models", model, *rest]:
                version, action = (rest[1], rest[2:]) if rest[:1] == ["versions"] and len(rest) > 1 else (None, rest)
                dialect = _DIALECTS.get(action[0]) if len(action) == 1 else None
                if dialect is not None:
                    _only(method, "POST")
                    answer = self._predicting.answer(dialect, model, version, headers, receive)
                    return await self._meter.count(model, answer)
                if action in ([], ["ready"]):
                    _only(method, "GET")
                    if not action:
                        self._door.guard(headers, Role.PREDICT)
                    return self._about(model, version, ready=bool(action))
            case ["v2", "jobs", *rest] if self._jobs is not None:
                return await self._jobs.answer(method, path, rest, self._door.enter(headers))
            case ["hooks", "registry"] if self._registry_hook is not None:
                _only(method, "POST")
                return await self._registry_hook.answer(headers, receive)
            case ["metrics"] if self._metrics is not None:
                _only(method, "GET")
                self._door.guard(headers, Role.REVIEW)
                return Response(await asyncio.to_thread(self._metrics.page), content_type=METRICS)
            case parts if (page := self._pages.get(name := "/".join(parts))) is not None:
                _only(method, "GET")
                if name not in HEALTH:
                    self._door.guard(headers, Role.PREDICT)
                return page()
        raise refused(404, "unknown-path", f"Nothing is served at {path}; see /docs.")

    def _about(self, model: str, version: str | None, *, ready: bool) -> Response:
        served, lane = self._models.lane(model, version)
        if not ready:
            return _json(model_metadata(served, version))
        failure = lane.proof.failure()
        return _ready([] if failure is None else [failure])

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._on_open()
            if message["type"] == "lifespan.shutdown":
                self._on_close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


def _told(error: Exception, path: str) -> Problem:
    problem = problem_of(error)
    # What a version does is in the prediction log, row by row.
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, VersionFailed):
        log.error("request_failed", path=path, error=str(error), exc_info=error)
    return problem


def _json(document: Mapping[str, object]) -> Response:
    return Response(_encode(document))


def _ready(failures: list[str]) -> Response:
    if not failures:
        return _json({"ready": True})
    problem = Problem(503, "not-ready", "; ".join(failures), UNREADY_RETRY_SECONDS, extra={"ready": False})
    return problem_response(problem)


def _only(method: str, allowed: str) -> None:
    if method != allowed:
        detail = f"The method is {method}; allowed here: {allowed}."
        raise refused(405, "wrong-method", detail, headers=((b"allow", allowed.encode()),))
