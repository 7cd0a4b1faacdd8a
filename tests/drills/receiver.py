"""A webhook's receiver that is killed at random: `python -m tests.drills.receiver PORT FILE SECRET`.

It writes what a message does to a file before it answers, once for each id: whoever reads the file sees what a careful
receiver made of all messages. A message whose signature does not fit, or that says something else than before under
the same id, is written down as wrong.
"""

import asyncio
import hashlib
import json
import os
import sys
from pathlib import Path

from standardwebhooks import Webhook, WebhookVerificationError

BACKLOG = 512
EFFECT, AGAIN, WRONG = "effect", "again", "wrong"


class Book:
    """What the receiver has done, in a file that outlives it."""

    def __init__(self, path: Path, secret: str) -> None:
        self._check = Webhook(secret)
        self._seen: dict[str, str] = {}
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        for line in lines:
            said = json.loads(line)
            if said["what"] == EFFECT:
                self._seen[said["id"]] = said["digest"]
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def take(self, headers: dict[str, str], body: bytes) -> None:
        """Do what a message asks, once."""
        name, digest = headers.get("webhook-id", ""), hashlib.sha256(body).hexdigest()
        try:
            self._check.verify(body, headers)
        except WebhookVerificationError:
            self._write(WRONG, name, digest, {})
            return
        known = self._seen.get(name)
        if known is not None:
            self._write(AGAIN if known == digest else WRONG, name, digest, {})
            return
        said = json.loads(body)
        self._seen[name] = digest
        answer = said["data"].get("answer", {})
        told = {
            "job": said["data"]["id"],
            "type": said["type"],
            "version": said["data"]["version"],
            "predictions": [one["prediction_id"] for one in answer.get("predictions", [])],
        }
        self._write(EFFECT, name, digest, told)

    def _write(self, what: str, name: str, digest: str, told: dict[str, object]) -> None:
        line = json.dumps({"what": what, "id": name, "digest": digest} | told) + "\n"
        # One write, which the kernel has even if this process is killed right after it.
        os.write(self._file, line.encode())


async def serve(port: int, book: Book) -> None:
    """Answer until killed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:-2]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
            book.take(headers, await reader.readexactly(int(headers["content-length"])))
            writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            """The sender was killed."""
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=BACKLOG)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Book(Path(sys.argv[2]), sys.argv[3])))
