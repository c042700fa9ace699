"""Who holds a key comes in from anywhere; nobody else hears a note or is obeyed."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from test_cli import assert_mistake, notewire

from notewire.bridge.commands import Done, Panic
from notewire.bridge.control import Control, ask
from notewire.bridge.keys import make_keys
from notewire.bridge.zeromq import Received, ZeroMqPublisher, subscribe
from notewire.streaming.contracts import NotewireError

RATE = 16_000
ANYWHERE = "tcp://0.0.0.0:*"
DEAF = 1.0  # seconds after which somebody who hears nothing has been shut out


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The engine's folder, with a key for ``stage``."""
    make_keys(tmp_path / "keys", "stage")
    return tmp_path / "keys"


@pytest.fixture
def bus(keys: Path) -> Iterator[ZeroMqPublisher]:
    with closing(ZeroMqPublisher(RATE, ANYWHERE, keys)) as publisher:
        yield publisher


@pytest.fixture
def control(keys: Path) -> Iterator[Control]:
    with closing(Control(ANYWHERE, keys)) as made:
        made.act = lambda _: Done()
        yield made


def local(address: str) -> str:
    return address.replace("0.0.0.0", "127.0.0.1")


def _first(address: str, keys: Path | None, patience: float) -> Received | None:
    with subscribe(local(address), timeout=patience, keys=keys) as messages:
        return next(messages, None)


def heard(bus: ZeroMqPublisher, keys: Path | None, patience: float) -> Received | None:
    """What a client with these keys hears first, while the bus goes on speaking."""
    with ThreadPoolExecutor(1) as pool:
        client = pool.submit(_first, bus.address, keys, patience)
        while not client.done():
            bus.state("playing")
            time.sleep(0.01)
    return client.result()


def answer(control: Control, keys: Path | None) -> object:
    """What the engine answers to a client with these keys; NotewireError if nothing."""
    with ThreadPoolExecutor(1) as pool:
        client = pool.submit(ask, local(control.address), Panic(), keys)
        while not client.done():
            control.pulse()
            time.sleep(0.01)
    return client.result()


def test_with_its_key_a_client_listens_and_commands(
    bus: ZeroMqPublisher, control: Control, keys: Path
) -> None:
    message = heard(bus, keys / "stage", 10.0)
    assert message
    assert message.topic == "state"
    assert answer(control, keys / "stage") == Done()


def test_without_a_key_nothing_is_heard_or_done(bus: ZeroMqPublisher, control: Control) -> None:
    assert heard(bus, None, DEAF) is None
    with pytest.raises(NotewireError, match="nobody answers"):
        answer(control, None)


def test_a_key_of_another_engine_opens_nothing(
    bus: ZeroMqPublisher, control: Control, keys: Path, tmp_path: Path
) -> None:
    stranger = make_keys(tmp_path / "others", "stage")
    (stranger / "server.key").write_bytes((keys / "server.key").read_bytes())
    assert heard(bus, stranger, DEAF) is None
    with pytest.raises(NotewireError, match="nobody answers"):
        answer(control, stranger)


def test_a_client_tells_a_false_engine_from_its_own(keys: Path, tmp_path: Path) -> None:
    make_keys(tmp_path / "false", "stage")
    (tmp_path / "false" / "clients" / "stage.key").write_bytes(
        (keys / "clients" / "stage.key").read_bytes()
    )
    with closing(ZeroMqPublisher(RATE, ANYWHERE, tmp_path / "false")) as impostor:
        assert heard(impostor, keys / "stage", DEAF) is None


def test_a_second_client_gets_its_own_key_and_the_first_keeps_his(keys: Path) -> None:
    first = (keys / "stage" / "server.key").read_bytes()
    second = make_keys(keys, "tablet")
    assert (second / "server.key").read_bytes() == first
    assert sorted(p.name for p in (keys / "clients").iterdir()) == ["stage.key", "tablet.key"]
    assert stat.S_IMODE(keys.stat().st_mode) == stat.S_IMODE(second.stat().st_mode) == 0o700


def test_a_client_that_was_deleted_is_shut_out(keys: Path) -> None:
    make_keys(keys, "tablet")
    (keys / "clients" / "stage.key").unlink()
    with closing(ZeroMqPublisher(RATE, ANYWHERE, keys)) as bus:
        assert heard(bus, keys / "tablet", 10.0)
        assert heard(bus, keys / "stage", DEAF) is None


def test_the_address_is_free_again_after_close(bus: ZeroMqPublisher, keys: Path) -> None:
    bus.close()
    bus.close()
    ZeroMqPublisher(RATE, bus.address, keys).close()


@pytest.mark.parametrize("damage", ["server.key_secret", "clients/stage.key"])
def test_missing_keys_are_named_with_the_cure(keys: Path, damage: str) -> None:
    (keys / damage).unlink()
    with pytest.raises(NotewireError, match="notewire keys"):
        ZeroMqPublisher(RATE, ANYWHERE, keys)


@pytest.mark.parametrize("text", ["no key at all", 'curve\n    public-key = "short"\n'])
def test_a_spoilt_key_is_named(keys: Path, text: str) -> None:
    (keys / "clients" / "stage.key").write_text(text)
    with pytest.raises(NotewireError, match=r"stage\.key"):
        ZeroMqPublisher(RATE, ANYWHERE, keys)


def test_the_command_makes_keys_and_refuses_to_overwrite_them(tmp_path: Path) -> None:
    folder = str(tmp_path / "keys")
    made = notewire("keys", folder, "--client", "tablet")
    assert made.returncode == 0
    assert f"Carry {folder}/tablet" in made.stdout
    assert_mistake(notewire("keys", folder, "--client", "tablet"), "tablet has a key already")
    assert_mistake(notewire("keys", folder, "--client", "../up"), "is no name for a client")
