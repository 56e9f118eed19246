"""python-socketio against headcount: what scenarios.mjs has for the clients in JavaScript.

    python -m pip install -r requirements.txt && python interop.py

HEADCOUNT is the server's binary, SUITE that of the suite's application; otherwise they are
release/headcount and debug/examples/socketio_suite in ../../../target.
"""

import html
import os
import queue
import re
import subprocess
import sys
import traceback
from pathlib import Path
from urllib.parse import urlsplit

import socketio

TARGET = Path(__file__).parent / "../../../target"
HEADCOUNT = os.environ.get("HEADCOUNT", TARGET / "release/headcount")
SUITE = os.environ.get("SUITE", TARGET / "debug/examples/socketio_suite")
TIME_MAX = 30  # s; for what takes a moment


class Program:
    """A server that says where it listens as headcount does."""

    def __init__(self, binary):
        self.binary = binary
        self.url = None
        self.revive()

    def revive(self):
        """Starts it, again at the address that it had."""
        port = urlsplit(self.url).port if self.url else 0
        self.child = subprocess.Popen(
            [self.binary, "--listen", f"127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True
        )
        line = self.child.stdout.readline()
        self.url = re.fullmatch(r"headcount listening on (http://\S+)\n", line)[1]

    def kill(self):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()


class Client:
    """A connection, and all that it has heard and nobody has asked for yet."""

    # None: long-polling at first, and then a WebSocket.
    transports = None

    def __init__(self, url, namespace="/", auth=None, on_connect=None):
        self.namespace = namespace
        self.heard = queue.Queue()
        self.socket = socketio.Client(
            reconnection_delay=0.05, reconnection_delay_max=0.05, logger=False
        )
        hear = lambda event, *args: self.heard.put((event, list(args)))
        self.socket.on("*", hear, namespace=namespace)
        for event in ("connect_error", "disconnect"):
            self.socket.on(event, lambda *args, event=event: hear(event, *args), namespace)
        self.socket.on("connect", lambda: on_connect and on_connect(self), namespace)
        self.socket.connect(url, transports=self.transports, namespaces=[namespace], auth=auth)

    def next(self, event, accept=lambda *args: True):
        """The arguments of the next such event that is accepted."""
        while True:
            name, args = self.heard.get(timeout=TIME_MAX)
            if name == event and accept(*args):
                return args

    def shows(self, *names):
        self.next("login", lambda listed: listed == list(names))

    def emit(self, *args):
        self.socket.emit(args[0], args[1:], namespace=self.namespace)

    def call(self, *args):
        """What the server answers."""
        return self.socket.call(args[0], args[1:], namespace=self.namespace, timeout=TIME_MAX)

    def close(self):
        self.socket.disconnect()


def equal(actual, expected):
    assert actual == expected, f"{actual!r} is not {expected!r}"


def roster(headcount, _):
    ada, han = Client(headcount.url), Client(headcount.url)
    ada.shows()
    han.shows()
    ada.emit("login", "Ada")
    for client in (ada, han):
        client.shows("Ada")
    equal(han.call("login", "韩梅梅"), None)
    for client in (ada, han):
        client.shows("Ada", "韩梅梅")

    refused = [("", "name_empty"), ("x" * 200, "name_too_long"), ("a\u202eb", "name_invalid")]
    for name, code in refused:
        answer = han.call("login", name)
        equal(answer["code"], code)
        equal(type(answer["message"]), str)
        equal(han.next("error"), [answer])

    # Another namespace is another room.
    custom = Client(headcount.url, "/custom")
    custom.shows()
    ada.emit("logout")
    for client in (ada, han):
        client.shows("韩梅梅")

    name = """<b>"Tom" & 'Jerry'</b>"""
    equal(custom.call("login", name), None)
    [[first]] = custom.next("login", lambda listed: len(listed) == 1)
    equal(re.findall("[<>\"']", first), [])
    equal(html.unescape(first), name)

    for client in (custom, ada, han):
        client.close()


def reconnect(headcount, _):
    client = Client(headcount.url, on_connect=lambda client: client.emit("login", "Ada"))
    client.shows("Ada")
    headcount.kill()
    client.next("disconnect")
    client.next("connect_error")
    headcount.revive()
    client.shows("Ada")
    client.close()


def suite(_, suite):
    auth = {"token": "123", "n": [1]}
    for namespace in ("/", "/custom"):
        client = Client(suite.url, namespace, auth)
        equal(client.next("auth"), [auth])
        client.close()

    client = Client(suite.url)
    client.next("auth")
    args = [1, "2", {"3": [True, None]}, "中 🦊 <&>"]
    client.emit("message", *args)
    equal(client.next("message-back"), args)
    equal(client.call("message-with-ack", *args), tuple(args))
    data = [b"\1\2\3", {"deep": [b"\4"]}]
    client.emit("message", *data)
    equal(client.next("message-back"), data)
    equal(client.call("message-with-ack", *data), tuple(data))
    client.close()

    try:
        Client(suite.url, "/random")
    except socketio.exceptions.ConnectionError:
        return
    raise AssertionError("an unknown namespace is accepted")


WEBSOCKET, POLLING = ["websocket"], ["polling"]
CHECKS = [
    *((transports, check) for transports in (None, WEBSOCKET, POLLING) for check in (roster, reconnect)),
    (WEBSOCKET, suite),  # the suite's application has no long-polling
]


def main():
    programs = Program(HEADCOUNT), Program(SUITE)
    failed = 0
    try:
        for transports, check in CHECKS:
            name = f"python-socketio, {transports or 'by default'}: {check.__name__}"
            try:
                Client.transports = transports
                check(*programs)
                print(f"ok    {name}", flush=True)
            except Exception:
                failed += 1
                print(f"FAIL  {name}", flush=True)
                traceback.print_exc()
    finally:
        for program in programs:
            program.kill()
    print(f"{len(CHECKS) - failed} passed, {failed} failed", flush=True)
    os._exit(1 if failed else 0)  # connections that a failed check has left must not keep it


if __name__ == "__main__":
    main()
