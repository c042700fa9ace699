"""Show what sounds on a keyboard: python examples/piano.py [bus [control]]

A client may come late, sleep or lose messages, and still show the truth: it begins with a snapshot,
follows the notes, and once a second the heartbeat names all that sounds.
"""

import json
import sys

import zmq

BUS, CONTROL = "tcp://127.0.0.1:5556", "tcp://127.0.0.1:5557"
BLACK = {1, 3, 6, 8, 10}


def keyboard(held: dict[int, int]) -> str:
    """A character for each key of the piano; a block where it is down."""
    free = {key: "'" if key % 12 in BLACK else "." for key in range(21, 109)}
    return "".join("█" if key in held.values() else free[key] for key in free)


def main(bus: str = BUS, control: str = CONTROL) -> None:
    notes, asking = (zmq.Context.instance().socket(kind) for kind in (zmq.SUB, zmq.REQ))
    notes.connect(bus)
    for topic in ("note.", "health"):
        notes.setsockopt_string(zmq.SUBSCRIBE, topic)
    asking.connect(control)
    asking.send(b'{"type":"snapshot"}')
    known = json.loads(asking.recv())
    held = {note["id"]: note["pitch"] for note in known["held"]}
    while True:
        print(keyboard(held), end="\r" if sys.stdout.isatty() else "\n", flush=True)
        topic, header, body = notes.recv_multipart()
        said, message = json.loads(header), json.loads(body)
        if said["session"] == known["session"] and said["seq"] < known["seq"].get(
            topic.decode(), 0
        ):
            continue  # older than the snapshot
        if message["type"] == "health":
            held = {note["id"]: note["pitch"] for note in message["held"]}
        elif message["type"] == "note_on":
            held[message["id"]] = message["pitch"]
        elif message["type"] in ("note_off", "note_revoke"):
            held.pop(message["id"], None)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        print()
