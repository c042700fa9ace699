"""Print notes as they arrive: python examples/subscriber.py [address]"""

import json
import sys

import zmq

ADDRESS = "tcp://127.0.0.1:5556"


def main(address: str) -> None:
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.setsockopt_string(zmq.SUBSCRIBE, "note.")
    socket.connect(address)
    try:
        while True:
            _topic, _header, body = socket.recv_multipart()
            note = json.loads(body)
            when = note.get("onset", note.get("offset", note["emitted"]))
            print(f"{when:10.3f} s  {note['type']:8}  pitch {note['pitch']}", flush=True)
    except KeyboardInterrupt:
        context.destroy(linger=0)


if __name__ == "__main__":
    main(*sys.argv[1:] or [ADDRESS])
