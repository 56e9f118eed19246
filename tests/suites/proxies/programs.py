"""The programs under test: headcount, and the proxies with the files of contrib/."""

import asyncio
import os
import random
import shutil
import signal
import socket
from pathlib import Path

from client import PATIENCE

ROOT = Path(__file__).resolve().parents[3]
WORK = ROOT / "target" / "proxies"

# What the files of contrib/ leave to the rest of an installation. Each proxy runs in the
# foreground, for anybody, and keeps what it writes in a folder of the test.
NGINX = """
daemon off;
error_log stderr;
pid {work}/nginx.pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {work}/nginx-body;
    proxy_temp_path {work}/nginx-proxy;
    fastcgi_temp_path {work}/nginx-fastcgi;
    uwsgi_temp_path {work}/nginx-uwsgi;
    scgi_temp_path {work}/nginx-scgi;
    {example}
}}
"""
CADDY = """
{{
    admin off
    auto_https off
    default_bind 127.0.0.1
}}
{example}
"""


class Program:
    """A child process."""

    def __init__(self, child):
        self.child = child

    @classmethod
    async def start(cls, name, *command, **options):
        """Starts it; what it says goes into a file of its name."""
        WORK.mkdir(parents=True, exist_ok=True)
        log = (WORK / f"{name}.log").open("wb")
        return cls(await asyncio.create_subprocess_exec(*command, stderr=log, **options))

    async def stop(self):
        """Ends it as systemd would, and gives its exit code."""
        if self.child.returncode is None:
            self.child.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            return await self.child.wait()

    async def end(self):
        """Ends it however it can be; first so that it takes its own children along."""
        try:
            await self.stop()
        except TimeoutError:
            self.child.kill()
            await self.child.wait()


class Headcount(Program):
    @classmethod
    async def serve(cls, port, *flags):
        program = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
        command = [f"{program}/release/headcount", "--listen", f"127.0.0.1:{port}", *flags]
        self = await cls.start("headcount", *command, stdout=asyncio.subprocess.PIPE)
        line = await self.child.stdout.readline()
        assert line.decode().strip().endswith(f":{port}"), line
        return self

    def open_files(self):
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))


# The example, the line in it that says where to listen and what it is here, what stands around it
# here, and the command that is given the file.
PROXIES = {
    "nginx": ("nginx.conf", "listen 80;", "listen {};", NGINX, ["nginx", "-c"]),
    "haproxy": ("haproxy.cfg", "bind :80", "bind {}", "{example}", ["haproxy", "-db", "-f"]),
    "caddy": (
        "Caddyfile", "example.com {", "http://{} {{", CADDY,
        ["caddy", "run", "--adapter", "caddyfile", "--config"],
    ),
}


async def start_proxy(name, server_port):
    """Starts the proxy of this name before the server at this port, and gives its own port."""
    file, listens, listens_here, around, command = PROXIES[name]
    port = free_port()
    example = (ROOT / "contrib" / file).read_text()
    for before, here in [
        ("127.0.0.1:3000", f"127.0.0.1:{server_port}"),
        (listens, listens_here.format(f"127.0.0.1:{port}")),
    ]:
        assert example.count(before) == 1, f"{file}: {before}"
        example = example.replace(before, here)
    path = WORK / file
    path.write_text(around.format(example=example, work=WORK))
    # Debian keeps them where only root looks.
    program = shutil.which(command[0], path=os.environ["PATH"] + ":/usr/sbin")
    environment = os.environ | {"XDG_DATA_HOME": str(WORK), "XDG_CONFIG_HOME": str(WORK)}
    child = await Program.start(name, program, *command[1:], str(path), env=environment)
    return child, port


def free_port():
    """A port that nobody has. It is above those that the system gives to connections, so that none
    of them takes it between two servers."""
    while True:
        port = random.randrange(61_000, 65_536)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
