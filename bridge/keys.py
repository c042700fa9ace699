"""Keys of the bus: who holds one may listen and command from another computer (CURVE, ZMTP 3.1).

The engine's folder, made by ``make_keys``::

    server.key_secret   the engine's own; stays here
    clients/NAME.key    who may come in; deleting the file and restarting shuts NAME out
    NAME/               to carry to NAME's computer: client.key_secret and server.key
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import zmq
from zmq.auth import create_certificates, load_certificate
from zmq.auth.thread import ThreadAuthenticator

from ..streaming.contracts import NotewireError

CLIENTS = "clients"
KEY = re.compile(rb"[0-9a-zA-Z.:+=^!/*?&<>()\[\]{}@%$#-]{40}")  # Z85, ZeroMQ's RFC 32


def make_keys(folder: Path, name: str) -> Path:
    """Keys for the engine, where it has none yet, and for a client; the client's folder.

    Raises NotewireError where that client has one already, or nothing can be written.
    """
    bundle, public = folder / name, folder / CLIENTS / f"{name}.key"
    if name in ("", CLIENTS) or not name.replace("-", "").replace("_", "").isalnum():
        raise NotewireError(f"'{name}' is no name for a client: use letters, digits, - and _")
    if bundle.exists() or public.exists():
        raise NotewireError(f"{bundle}: {name} has a key already; choose another name or delete it")
    try:
        _write(folder, bundle, public)
    except OSError as error:
        raise NotewireError(f"{folder}: the keys cannot be written ({error})") from error
    return bundle


def guard(context: zmq.Context[zmq.Socket[bytes]], folder: Path) -> ThreadAuthenticator:
    """Let the clients of ``folder`` in and nobody else, on every socket that ``lock`` locks."""
    clients = folder / CLIENTS
    known = [_load(file, folder) for file in clients.glob("*.key")]  # names a spoilt one
    if not known:
        raise NotewireError(f"{clients}: no client has a key; make one: notewire keys {folder}")
    guardian = ThreadAuthenticator(context)
    guardian.start()
    guardian.configure_curve(domain="*", location=str(clients))
    return guardian


def lock(socket: zmq.Socket[bytes], folder: Path) -> None:
    """Make ``socket`` prove that it is the engine, and ask everyone for a key."""
    socket.curve_publickey, socket.curve_secretkey = _secret(folder / "server.key_secret", folder)
    socket.curve_server = True


def unlock(socket: zmq.Socket[Any], bundle: Path) -> None:
    """Show a client's key, and talk to none but the engine that it was made for."""
    socket.curve_publickey, socket.curve_secretkey = _secret(bundle / "client.key_secret", bundle)
    socket.curve_serverkey = _load(bundle / "server.key", bundle)[0]


def _write(folder: Path, bundle: Path, public: Path) -> None:
    """Secrets lie in folders that only their owner can enter."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if not (folder / "server.key_secret").exists():
        create_certificates(folder, "server")
    bundle.mkdir(mode=0o700)
    public.parent.mkdir(exist_ok=True)
    create_certificates(bundle, "client")
    shutil.move(bundle / "client.key", public)
    shutil.copy(folder / "server.key", bundle)


def _secret(file: Path, folder: Path) -> tuple[bytes, bytes]:
    public, secret = _load(file, folder)
    if secret is None:
        raise NotewireError(f"{file}: holds no secret key")
    return public, secret


def _load(file: Path, folder: Path) -> tuple[bytes, bytes | None]:
    try:
        public, secret = load_certificate(file)
        if not (KEY.fullmatch(public) and KEY.fullmatch(secret or public)):
            raise ValueError(f"{file.name} holds something else")
    except (OSError, ValueError) as error:
        cure = "`notewire keys` makes such folders: one for the engine, one for each client"
        raise NotewireError(f"{folder}: not a folder of keys ({error}); {cure}") from error
    return public, secret
