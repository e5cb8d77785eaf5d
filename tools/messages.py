"""Keep locale/ in sync with the templates and the Python code, without gettext.

In addition to marked messages, it finds the sentences in refusals (tools/sentences.py).

python tools/messages.py          add new messages, drop those that are gone, list what is missing
python tools/messages.py --check  change nothing; fail when something is missing
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import polib
from babel.messages.extract import extract_python
from django.utils.translation.template import templatize

# Also runs as a script, from its own folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools.sentences import sentences

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
PACKAGES = ("accounts", "chat", "dashboard", "notifications", "realtime", "realtime_project")
TEMPLATE_SUFFIXES = {".html", ".txt"}
# Django's markers for messages, and the names under which the code imports them.
KEYWORDS = dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None) | {
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}

# Messages of Django's own pages that its Chinese catalogue lacks.
BORROWED = (
    "Add link",
    "After you’ve created a user, you’ll be able to edit more user options.",
    "Change or view list link",
    "Model name",
)

# (context, message, plural) -> occurrences
Messages = dict[tuple[str | None, str, str | None], list[tuple[str, str]]]


def extract() -> Messages:
    """Return every message of the project with its occurrences, as (path, line)."""
    found: Messages = {}
    for path, source in _sources():
        for line, function, message, _comments in extract_python(
            io.BytesIO(source.encode()), list(KEYWORDS), [], {"encoding": "utf-8"}
        ):
            key = _key(function, message)
            if key is not None:
                place = (path.relative_to(ROOT).as_posix(), str(line))
                found.setdefault(key, []).append(place)
    for message in BORROWED:
        found.setdefault((None, message, None), []).append(("django", "0"))
    for sentence in sentences(ROOT):
        if not sentence.mixed:
            place = (sentence.path, str(sentence.line))
            found.setdefault((None, sentence.text, None), []).append(place)
    return found


def _sources() -> Iterator[tuple[Path, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, path.read_text()
    for path in sorted(TEMPLATES.rglob("*")):
        if path.suffix in TEMPLATE_SUFFIXES:
            # Django converts a template to gettext calls padded with X's, line by line.
            calls = templatize(path.read_text(), origin=str(path))
            yield path, "\n".join(line.lstrip() for line in calls.split("\n"))


def _key(function: str | None, message: object) -> tuple[str | None, str, str | None] | None:
    parts = message if isinstance(message, tuple) else (message,)
    texts = [part for part in parts if isinstance(part, str)]
    if not texts or not texts[0]:
        return None
    if function in ("pgettext", "pgettext_lazy"):
        return (texts[0], texts[1], None)
    if function in ("ngettext", "ngettext_lazy"):
        return (None, texts[0], texts[1])
    return (None, texts[0], None)


def update(catalogue: polib.POFile, messages: Messages) -> None:
    """Set the catalogue's entries to `messages`, keeping existing translations."""
    kept = {(entry.msgctxt, entry.msgid): entry for entry in catalogue}
    catalogue.clear()
    for (context, message, plural), places in sorted(messages.items(), key=lambda item: item[1]):
        entry = kept.get((context, message)) or polib.POEntry(msgctxt=context, msgid=message)
        entry.occurrences = [(path, "") for path, _line in places]
        if plural and entry.msgid_plural != plural:
            entry.msgid_plural, entry.msgstr_plural = plural, entry.msgstr_plural or {0: ""}
        # Placeholders such as %(name)s must survive translation: tools and tests check them.
        if "%(" in message and "python-format" not in entry.flags:
            entry.flags.append("python-format")
        catalogue.append(entry)


def missing(catalogue: polib.POFile, messages: Messages) -> list[str]:
    """Return the messages that have no translation, or only a fuzzy one."""
    done = {(entry.msgctxt, entry.msgid) for entry in catalogue if entry.translated()}
    return [message for context, message, _plural in messages if (context, message) not in done]


def main() -> int:
    catalogue, messages = polib.pofile(str(CATALOGUE), wrapwidth=100), extract()
    if "--check" not in sys.argv:
        update(catalogue, messages)
        catalogue.save()
    lacking = missing(catalogue, messages)
    for message in lacking:
        print(f"not translated: {message}")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
