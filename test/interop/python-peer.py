"""The other end of python.test.ts: a server or a client made with Debian's python3-websockets.

    python-peer.py server          prints {"port": ...}, then one line for each connection that ended
    python-peer.py client URL      runs through the client's scenarios, prints one line for each
"""

import asyncio
import http
import json
import sys
from urllib.parse import parse_qs, urlsplit

import websockets

LIMIT = 16 * 1024 * 1024


def say(**what):
    print(json.dumps(what), flush=True)


async def echo(ws, query):
    async for message in ws:
        await ws.send(message)


async def send_fragments(ws, query):
    await ws.send(["Hel", "", "lo ", "wörld"])
    await ws.send([b"\x00", b"\x01\x02", b""])
    await ws.wait_closed()


async def ping(ws, query):
    pong = await ws.ping(b"are you there?")
    await asyncio.wait_for(pong, 5)
    await ws.send("pong came")
    await ws.wait_closed()


async def close(ws, query):
    await ws.close(int(query["code"][0]), query["reason"][0])


HANDLERS = {"/echo": echo, "/fragments": send_fragments, "/ping": ping, "/close": close}


async def serve():
    async def handle(ws):
        target = urlsplit(ws.path)
        try:
            await HANDLERS[target.path](ws, parse_qs(target.query, keep_blank_values=True))
        except websockets.ConnectionClosed:
            pass
        await ws.wait_closed()
        say(path=target.path, subprotocol=ws.subprotocol, code=ws.close_code, reason=ws.close_reason)

    async def refuse(path, headers):
        if urlsplit(path).path not in HANDLERS:
            return http.HTTPStatus.UNAUTHORIZED, [("X-Why", "unknown")], b"no such door\n"
        return None

    async with websockets.serve(
        handle, "127.0.0.1", 0, subprotocols=["news", "chat"], process_request=refuse, max_size=LIMIT
    ) as server:
        say(port=server.sockets[0].getsockname()[1])
        await asyncio.Future()


def sample(size):
    return bytes(i * 31 % 256 for i in range(size))


async def run_client(url):
    async with websockets.connect(f"{url}/echo", subprotocols=["none", "chat"], max_size=LIMIT) as ws:
        for message in ["", "héllo 🐜", "x" * 70_000, b"", sample(125), sample(126), sample(65_536), sample(1_000_000)]:
            await ws.send(message)
            if await ws.recv() != message:
                raise AssertionError("the echo differs")
        await ws.send(["frag", "", "ments"])
        if await ws.recv() != "fragments":
            raise AssertionError("the fragments differ")
        for i in range(50):
            await ws.send(str(i))
        for i in range(50):
            if await ws.recv() != str(i):
                raise AssertionError("the order differs")
        pong = await ws.ping(b"hello")
        await asyncio.wait_for(pong, 5)
        await ws.close(3001, "enough")
    say(scenario="echo", subprotocol=ws.subprotocol, code=ws.close_code, reason=ws.close_reason)

    async with websockets.connect(f"{url}/close") as ws:
        await ws.wait_closed()
    say(scenario="close", code=ws.close_code, reason=ws.close_reason)

    async with websockets.connect(f"{url}/fragments") as ws:
        say(scenario="fragments", message=await ws.recv())

    try:
        async with websockets.connect(f"{url}/elsewhere"):
            pass
    except websockets.InvalidStatusCode as refused:
        say(scenario="refused", status=refused.status_code)

    try:
        async with websockets.connect(f"{url}/echo", origin="http://elsewhere.example"):
            pass
    except websockets.InvalidStatusCode as refused:
        say(scenario="origin", status=refused.status_code)


if sys.argv[1] == "server":
    asyncio.run(serve())
else:
    asyncio.run(run_client(sys.argv[2]))
