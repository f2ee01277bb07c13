"""
Requests to addresses that somebody else has typed in: they reach the public internet and nothing near us.

The name is resolved once, every address that came back must be public, and the connection goes to that very address,
with the name in TLS and in ``Host``. No redirect is followed, no proxy of the environment is used, 64 KB of the answer
are read, and all of it together has 15 seconds. All of this is looked at for every try: a name that was public
yesterday is not so today.

``http.client`` speaks over a socket that we have opened ourselves: httpx and urllib3 choose the address inside their
pools, and what they offer beside (redirects, proxies, retries, cookies) is what must not happen here.
"""

import contextlib
import http.client
import io
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from authsvc.core.addresses import Address, Network, is_public, is_within
from authsvc.errors import BadInput

TOTAL_S = 15.0
_CONNECT_S = 5.0
_TRIED = 3
MAX_ANSWER = 64 * 1024
PORTS = frozenset({443, 8443})
_LONGEST_URL = 2000

# No domain at the top begins with a digit: 127.1 and 0x7f000001 are addresses to a resolver, and no names.
_HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_TARGET = re.compile(r"/[!-~]*")
_EXAMPLE = "Write an address such as https://hooks.example.com/authsvc."

Resolve = Callable[[str, int], Sequence[str]]


class Unreachable(Exception):
    """No answer came back; the text says why, and nothing of our own network."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The host as it stands in an address, with a port that is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered; *retry_after* is in seconds, *size* what was read of the body, in bytes."""

    status: int
    retry_after: int | None
    size: int


def parse_target(url: str, *, allow: tuple[Network, ...] = (), ports: frozenset[int] = PORTS) -> Target:
    """
    Read an address that requests shall go to.

    Where *allow* names networks, http and other ports are read too; whether the host lies in one is seen when it is
    connected to.

    Raises:
        BadInput: It is no such address, or can only lead to where requests may not go.
    """
    if len(url) > _LONGEST_URL or not url.isprintable() or "\\" in url:
        raise BadInput(_EXAMPLE)
    try:
        parts = urlsplit(url)
        name = parts.hostname or ""
        host = name.encode("ascii" if ":" in name else "idna").decode("ascii")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise BadInput(_EXAMPLE) from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    literal = _literal(host)
    if parts.scheme not in {"https", "http"} or not (literal or _HOST.fullmatch(host)) or not _TARGET.fullmatch(path):
        raise BadInput(_EXAMPLE)
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadInput("The address must hold no user, password or fragment.")
    if not allow and parts.scheme != "https":
        raise BadInput("The address must begin with https://.")
    if not allow and port not in ports:
        raise BadInput("The port must be 443 or 8443.")
    if literal and not (is_public(literal) or is_within(literal, allow)):
        raise BadInput("The address is not public.")
    return Target(parts.scheme, host, port, path)


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system finds them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Client:
    """Sends requests; *allow* names networks that may be reached although they are not public."""

    def __init__(
        self,
        *,
        allow: tuple[Network, ...] = (),
        resolve: Resolve = resolve,
        ports: frozenset[int] = PORTS,
        total_s: float = TOTAL_S,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._allow = allow
        self._resolve = resolve
        self._ports = ports
        self._total_s = total_s
        self._context = context or ssl.create_default_context()
        # The system gives no way to end a look-up, so it has a thread that can be left behind.
        self._resolvers = ThreadPoolExecutor(8, "authsvc-resolve")

    def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Reply:
        """
        Send *content* and return the answer, whatever its status.

        Raises:
            Unreachable: The address may not be reached, or no answer came in time.
        """
        until = time.monotonic() + self._total_s
        try:
            target = parse_target(url, allow=self._allow, ports=self._ports)
            line = self._connect(target, self._addresses(target, until), until)
            with contextlib.closing(line):
                return _exchange(line, target, content, headers)
        except BadInput as error:
            raise Unreachable(str(error)) from None
        except TimeoutError:
            raise Unreachable(f"No answer within {self._total_s:g} seconds.") from None
        except ssl.SSLCertVerificationError as error:
            raise Unreachable(f"The certificate is not good: {error.verify_message}.") from None
        except ssl.SSLError as error:
            raise Unreachable(f"TLS failed: {error.reason or 'the connection ended'}.") from None
        except http.client.HTTPException as error:
            raise Unreachable(f"The answer is not HTTP: {type(error).__name__}.") from None
        except OSError as error:
            raise Unreachable(f"The connection failed: {error.strerror or 'it ended'}.") from None

    def close(self) -> None:
        """End the threads that look names up, without waiting for one that hangs."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    def _addresses(self, target: Target, until: float) -> list[Address]:
        try:
            found = self._resolvers.submit(self._resolve, target.host, target.port).result(_left(until))
        except socket.gaierror as error:
            raise Unreachable("The name of the host is not found.") from error
        addresses = [ipaddress.ip_address(address) for address in dict.fromkeys(found)]
        if not addresses:
            raise Unreachable("The name of the host is not found.")
        for address in addresses:
            if is_within(address, self._allow):
                continue
            # One that leads inside among others that do not is no slip: which one is taken would be a matter of luck.
            if not is_public(address):
                raise Unreachable("The host has an address that is not public.")
            if target.scheme != "https" or target.port not in self._ports:
                raise Unreachable("Only https on port 443 or 8443 may be reached.")
        return addresses

    def _connect(self, target: Target, addresses: list[Address], until: float) -> "_Line":
        last: OSError = TimeoutError()
        for address in addresses[:_TRIED]:
            family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
            plug = socket.socket(family, socket.SOCK_STREAM)
            try:
                plug.settimeout(min(_CONNECT_S, _left(until)))
                plug.connect((str(address), target.port))
                plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if target.scheme == "https":
                    plug.settimeout(_left(until))
                    plug = self._context.wrap_socket(plug, server_hostname=target.host)
            except OSError as error:
                plug.close()
                last = error
            else:
                return _Line(plug, until)
        raise last


class _Line:
    """The socket as ``http.client`` wants it, with what is left of the time before each step."""

    def __init__(self, plug: socket.socket, until: float) -> None:
        self._plug = plug
        self._until = until

    def sendall(self, data: bytes) -> None:
        self._plug.settimeout(_left(self._until))
        self._plug.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self._plug, self._until))

    def close(self) -> None:
        self._plug.close()


class _Incoming(io.RawIOBase):
    def __init__(self, plug: socket.socket, until: float) -> None:
        self._plug = plug
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._plug.settimeout(_left(self._until))
        return self._plug.recv_into(buffer)


def _exchange(line: _Line, target: Target, content: bytes, headers: Mapping[str, str]) -> Reply:
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.auto_open = 0  # It never opens a socket of its own.
    connection.sock = line
    connection.request("POST", target.path, content, {"Host": target.authority, **headers})
    with connection.getresponse() as response:
        waits = response.getheader("Retry-After", "")
        retry_after = int(waits) if re.fullmatch(r"[0-9]{1,6}", waits) else None
        # The status says all; what follows is let in so that the receiver may end in peace, and up to a bound.
        size = 0
        with contextlib.suppress(OSError, http.client.HTTPException):
            size = len(response.read(MAX_ANSWER))
        return Reply(response.status, retry_after, size)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
