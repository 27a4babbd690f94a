"""A small HTTP/1.1 client over raw sockets, so that the generator costs little of the machine."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field


@dataclass
class Result:
    """What a run of requests gave; times in seconds."""

    seconds: float
    times: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    def quantile(self, q: float) -> float:
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * q))]


FORM = "application/x-www-form-urlencoded"


def request(
    path: str, cookie: str = "", body: str | None = None, token: str = "", kind: str = FORM
) -> bytes:
    head = [
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: keep-alive",
    ]
    if cookie:
        head.append(f"Cookie: {cookie}")
    if body is not None:
        head += [
            f"Content-Type: {kind}",
            f"Content-Length: {len(body.encode())}",
            f"X-CSRFToken: {token}",
        ]
    return ("\r\n".join(head) + "\r\n\r\n" + (body or "")).encode()


async def _one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes) -> int:
    writer.write(raw)
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at >= 0:
        await reader.readexactly(int(lower[at + 15 : lower.index(b"\r\n", at)]))
    elif b"transfer-encoding: chunked" in lower:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return status


async def _client(port: int, raws: list[bytes], count: int, result: Result) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for n in range(count):
        began = time.perf_counter()
        try:
            status = await _one(reader, writer, raws[n % len(raws)])
        except (asyncio.IncompleteReadError, ConnectionError):
            # The server may close a kept connection (a worker was recycled): open another.
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            status = await _one(reader, writer, raws[n % len(raws)])
        result.times.append(time.perf_counter() - began)
        result.statuses[status] = result.statuses.get(status, 0) + 1
    writer.close()


def run(port: int, raws: list[bytes], *, clients: int, count: int) -> Result:
    """Send `count` requests from each of `clients` connections."""
    return run_each(port, [raws] * clients, count=count)


def run_each(port: int, raws: list[list[bytes]], *, count: int) -> Result:
    """The same with a connection for each list of requests."""

    async def main() -> Result:
        result = Result(0)
        began = time.perf_counter()
        await asyncio.gather(*(_client(port, mine, count, result) for mine in raws))
        result.seconds = time.perf_counter() - began
        return result

    return asyncio.run(main())
