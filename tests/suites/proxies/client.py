"""Clients of headcount on asyncio's streams: HTTP, WebSocket (RFC 6455), and the two protocols on it.

As much of each as the tests need; no line of it is shared with the server.
"""

import asyncio
import json
import os

PATIENCE = 20  # Seconds: longer than anything takes that is not meant to take its time.

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class Refused(Exception):
    """A WebSocket was refused, with this status."""

    def __init__(self, status):
        super().__init__(f"refused with {status}")
        self.status = status


class Ended(Exception):
    """The connection is closed, with this code if there was a Close frame."""

    def __init__(self, code=None):
        super().__init__(f"closed with {code}")
        self.code = code


class Connection:
    """An HTTP connection from an address of its own, which may become a WebSocket."""

    def __init__(self, reader, writer, port):
        self.reader, self.writer, self.port = reader, writer, port
        self.pings = 0

    @classmethod
    async def open(cls, port, source):
        streams = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        return cls(*streams, port)

    async def get(self, path, *lines):
        """Sends a GET and gives the status and the body of its answer."""
        head = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", *lines, "", ""]
        self.writer.write("\r\n".join(head).encode())
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            status, body = int(head[0].split(" ")[1]), b""
            if status != 101:
                body = await self.reader.readexactly(int(fields["content-length"]))
            return status, body

    async def upgrade(self, path, *lines, version=13):
        """Asks for a WebSocket and gives the status of the answer."""
        lines = [
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            f"Sec-WebSocket-Version: {version}",
            *lines,
        ]
        return (await self.get(path, *lines))[0]

    def send(self, opcode, payload):
        assert len(payload) < 126
        key = os.urandom(4)
        masked = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
        self.writer.write(bytes([0x80 | opcode, 0x80 | len(payload)]) + key + masked)

    async def text(self):
        """The next message, which is text. Pings on the way are answered."""
        while True:
            try:
                first, length = await self.reader.readexactly(2)
                if length >= 126:
                    more = await self.reader.readexactly(2 if length == 126 else 8)
                    length = int.from_bytes(more, "big")
                payload = await self.reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                raise Ended from error
            opcode = first & 0xF
            if opcode == CLOSE:
                self.send(CLOSE, payload)
                raise Ended(int.from_bytes(payload[:2], "big"))
            if opcode == PING:
                self.pings += 1
                self.send(PONG, payload)
            if opcode == TEXT:
                return payload.decode()

    def close(self):
        self.writer.close()


class Native:
    """A client of the native protocol: keeps the roster from what it is told."""

    path = "/ws"

    def __init__(self, connection):
        self.connection = connection
        self.names = set()

    @classmethod
    async def open(cls, port, source, *lines):
        """Opens a session and takes the first roster; from then on it listens by itself."""
        client = cls(await Connection.open(port, source))
        status = await client.connection.upgrade(cls.path, *lines)
        if status != 101:
            client.connection.close()
            raise Refused(status)
        async with asyncio.timeout(PATIENCE):
            await client.join()
        client.listening = asyncio.create_task(client.listen())
        return client

    async def join(self):
        self.take(await self.connection.text())

    async def listen(self):
        """Takes messages until the connection ends, and gives the code that it ended with."""
        try:
            while True:
                self.take(await self.connection.text())
        except Ended as end:
            return end.code

    def take(self, message):
        event, what = json.loads(message)
        if event == "roster":
            self.names = set(what["names"])
        else:
            assert event == "change", message
            self.names = self.names - set(what["left"]) | set(what["joined"])

    def login(self, name):
        self.say(json.dumps(["login", name]))

    def say(self, message):
        self.connection.send(TEXT, message.encode())

    async def until_it_sees(self, names):
        async with asyncio.timeout(PATIENCE):
            while self.names != names:
                assert not self.listening.done(), "the connection ended"
                await asyncio.sleep(0.02)

    async def code(self):
        """The code of the Close that ends the session."""
        async with asyncio.timeout(PATIENCE):
            return await self.listening

    @property
    def pings(self):
        return self.connection.pings


class SocketIo(Native):
    """A client of Socket.IO: is told all names each time, and has pings of its own."""

    path = "/socket.io/?EIO=4&transport=websocket"
    heard = 0

    async def join(self):
        assert (await self.connection.text()).startswith("0{")
        self.say("40")
        assert (await self.connection.text()).startswith("40{")
        await super().join()

    def take(self, packet):
        if packet == "2":
            self.heard += 1
            self.say("3")
            return
        event, names = json.loads(packet.removeprefix("42"))
        assert event == "login", packet
        self.names = set(names)

    def login(self, name):
        self.say("42" + json.dumps(["login", name]))

    @property
    def pings(self):
        return self.heard
