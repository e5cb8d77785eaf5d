"""The changes that an admin form made, as details of an audit entry."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django import forms
from django.db.models import Model, QuerySet

from accounts.audit.values import HIDDEN, Change


def edited(form: Any, *, new: bool, hidden: Collection[str] = ()) -> dict[str, Change]:
    """Return the fields that a valid form changed or filled in, with their old and new values.

    Args:
        new: the form created its object, which had no values before.
        hidden: fields whose values are hidden, in addition to password fields.
    """
    found: dict[str, Change] = {}
    for name in form.fields if new else form.changed_data:
        # Django's password form reports a changed name that is not one of its fields.
        field = form.fields.get(name)
        if field is None or name in hidden or isinstance(field.widget, forms.PasswordInput):
            found[name] = Change(old=None, new=HIDDEN)
            continue
        after = _listed(form.cleaned_data.get(name))
        if not new:
            before = _read(field, form.get_initial_for_field(field, name))
            found[name] = Change(old=before, new=after)
        elif after not in (None, "", []):
            found[name] = Change(old=None, new=after)
    return found


def edited_rows(formset: Any) -> Iterator[tuple[Model, str, dict[str, Change]]]:
    """Yield the rows of an inline formset, each with `add`, `change` or `delete` and its fields."""
    form_of = {id(form.instance): form for form in formset.forms}
    for row in formset.new_objects:
        yield row, "add", edited(form_of[id(row)], new=True)
    for row, _fields in formset.changed_objects:
        yield row, "change", edited(form_of[id(row)], new=False)
    for row in formset.deleted_objects:
        yield row, "delete", {}


def _read(field: forms.Field, initial: Any) -> Any:
    """Return an initial value as the field would clean it: a row instead of its id."""
    if isinstance(field, forms.ModelMultipleChoiceField) or not isinstance(
        field, forms.ModelChoiceField
    ):
        return _listed(initial)
    if initial is None or field.queryset is None:
        return initial
    return field.queryset.filter(**{field.to_field_name or "pk": initial}).first() or initial


def _listed(value: Any) -> Any:
    """Return the names of rows of a many-to-many field; any other value unchanged."""
    if isinstance(value, QuerySet | list):
        return sorted(str(row) for row in value)
    return value
