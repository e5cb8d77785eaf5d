# Pitwall. `make run` starts it, `make test` tests it; both set up what they need first.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo "$$python"; exit; }; done; echo python3)
VENV := .venv/bin
BOOTSTRAP := $(PYTHON) tools/bootstrap.py
WITH_SERVICES := $(PYTHON) tools/services.py --
FRONT := $(PYTHON) tools/front.py
STAGE := tools/stage
EMBEDDED := env -u DATABASE_URL -u REDIS_URL
# Every core up to four: more gain nothing and starve a shared machine.
JOBS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((cores < 4 ? cores : 4)))
# Each has a browser and a server beside it. Tests that take services away run one by one.
BROWSERS ?= $(shell echo $$(( ($(JOBS) + 1) / 2 )))

.DEFAULT_GOAL := help
.PHONY: help run test check bench bench-smoke screenshots dev clean test-services e2e legacy-client chaos chaos-chat format \
	setup setup-dev lint types imports migrations front-check test-clients openapi messages

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

run: export PITWALL_DEMO ?= 1
run: ## start Pitwall on http://127.0.0.1:8000 (PORT=... for another port)
	@$(BOOTSTRAP) --check-port
	@exec $(VENV)/python manage.py serve --prepare

test: setup-dev ## run the tests that need nothing but Python
	$(EMBEDDED) $(VENV)/pytest -n $(JOBS) -m "not e2e and not services"

check: setup-dev ## lint, types, front end, PostgreSQL + Redis, browser: all that must pass
	@$(STAGE) "Lint" make --no-print-directory lint
	@$(STAGE) "Types" make --no-print-directory types
	@$(STAGE) "Imports" make --no-print-directory imports
	@$(STAGE) "Migrations" make --no-print-directory migrations
	@$(STAGE) "Front end" make --no-print-directory front-check
	@$(STAGE) "Benchmarks, shortened" make --no-print-directory bench-smoke
	@$(STAGE) "Tests on PostgreSQL and Redis" make --no-print-directory test-services
	@$(STAGE) "Browser and whole-server tests" make --no-print-directory e2e

lint: setup-dev ## ruff
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .

types: setup-dev ## mypy
	$(VENV)/mypy

imports: setup-dev ## who may import whom
	$(VENV)/lint-imports --no-cache

migrations: setup-dev ## every model change has its migration
	$(VENV)/python manage.py makemigrations --check --dry-run

front-check: setup-dev ## front end: types and unit tests
	$(FRONT) check

test-services: setup-dev ## the tests again, on a PostgreSQL and a Redis of their own
	$(WITH_SERVICES) $(VENV)/pytest -n $(JOBS) -m "not e2e"

test-clients: setup-dev ## the Python client's tests
	$(EMBEDDED) $(VENV)/pytest tests/clients

e2e: setup-dev ## the real server and a real browser
	$(WITH_SERVICES) $(VENV)/pytest -n $(BROWSERS) --dist loadfile -m "e2e and not services"
	$(WITH_SERVICES) $(VENV)/pytest -m "e2e and services"

legacy-client: setup-dev ## a client of the first protocol, watched for ten minutes
	LEGACY_SECONDS=600 $(WITH_SERVICES) $(VENV)/pytest -m e2e tests/e2e/test_older_clients.py

chaos: setup-dev ## 200 clients for two minutes while things die: is anything lost?
	CHAOS_CLIENTS=200 CHAOS_SECONDS=120 $(WITH_SERVICES) $(VENV)/pytest -s -m e2e tests/e2e/test_chaos.py

chaos-chat: setup-dev ## 200 people talk in 20 rooms for a minute while things die: is any message lost?
	CHAOS_CLIENTS=200 CHAOS_SECONDS=60 CHAOS_RATE=300 $(WITH_SERVICES) $(VENV)/pytest -s -m e2e tests/e2e/test_chat_chaos.py

bench: setup-dev ## every benchmark in full; results go to benchmarks/RESULTS.md
	$(WITH_SERVICES) $(VENV)/python tools/bench.py

bench-smoke: setup-dev ## every benchmark for a moment, to see that it runs
	$(WITH_SERVICES) $(VENV)/python tools/bench.py --smoke

screenshots: setup-dev ## docs/screenshots from a throw-away server
	$(VENV)/python tools/screenshots.py

openapi: setup-dev ## docs/openapi.yaml anew, after a change of the REST API
	$(VENV)/python manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn

messages: setup-dev ## locale/ in step with what is to be translated; lists what is missing
	$(VENV)/python tools/messages.py

format: setup-dev ## put the code in its standard form
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

dev: setup-dev ## server that restarts, and pages that rebuild, as files change
	@exec $(VENV)/python tools/dev.py

setup:
	@$(BOOTSTRAP)

setup-dev:
	@$(BOOTSTRAP) --dev

clean: ## remove what was made, except var/ (DATA=1 removes that too)
	rm -rf .venv static/dist frontend/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find locale -name '*.mo' -delete 2>/dev/null || true
	$(if $(DATA),rm -rf var)
