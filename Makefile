# make run    set up and transcribe the microphone, or the demo clip where there is none
# make test   set up and run all tests, with ruff and pyright
# make bench  what the engine costs on this machine
# make weights  gather what the piano model learned from, and train it anew, training by training (a day on two cores
#             and eleven minutes on a GPU, without one some two days more)
# make faults two hundred faults at random, after which no note may hang (ten minutes)
# make soak   half an hour at true pace, three minutes beside busy loops, eight hours as fast as it goes, equally late notes,
#             a hundred clients (more than an hour)
.PHONY: run test bench weights faults soak format clean

run: .venv/.run
	.venv/bin/notewire run

test: .venv/.test
	.venv/bin/pytest

bench: .venv/.run
	.venv/bin/notewire bench

TRAININGS = base second third fourth deeper sixth seventh pedal ninth played ladder talk

weights: .venv/.run
	.venv/bin/notewire gather training/sources.yaml -o data
	set -e; for each in $(TRAININGS:%=piano-%) piano; do .venv/bin/notewire train training/$$each.yaml; done

faults: .venv/.test
	.venv/bin/python tests/faults.py 200

soak: .venv/.test
	.venv/bin/python tests/soak.py
	.venv/bin/python tests/punctuality.py
	.venv/bin/python tests/crowd.py

format: .venv/.test
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

.venv/.%: setup.sh pyproject.toml constraints.txt
	./setup.sh $*
	touch $@

clean:
	rm -rf .venv .typing build dist *.egg-info
