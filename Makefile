# make run    set up and transcribe the microphone, or the demo clip where there is none
# make test   set up and run all tests, with ruff and pyright
# make bench  what the engine costs on this machine
.PHONY: run test bench format clean

run: .venv/.run
	.venv/bin/notewire run

test: .venv/.test
	.venv/bin/pytest

bench: .venv/.run
	.venv/bin/notewire bench

format: .venv/.test
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

.venv/.%: setup.sh pyproject.toml constraints.txt
	./setup.sh $*
	touch $@

clean:
	rm -rf .venv .typing build dist *.egg-info
