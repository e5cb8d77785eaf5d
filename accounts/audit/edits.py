"""What a form of the admin has changed, as details of an entry."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django import forms
from django.db.models import Model, QuerySet

from accounts.audit.values import HIDDEN, Change


def edited(form: Any, *, new: bool, hidden: Collection[str] = ()) -> dict[str, Change]:
    """The fields that a valid form has changed, or filled in, each with its old and new value.

    Args:
        new: the form has made its object, which had no values before.
        hidden: fields whose values nobody is to read, beside those of password fields.
    """
    found: dict[str, Change] = {}
    for name in form.fields if new else form.changed_data:
        # Django's form for a new password calls what it changes by no field of its own.
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
    """The rows of an inline formset: each with `add`, `change` or `delete`, and its fields."""
    form_of = {id(form.instance): form for form in formset.forms}
    for row in formset.new_objects:
        yield row, "add", edited(form_of[id(row)], new=True)
    for row, _fields in formset.changed_objects:
        yield row, "change", edited(form_of[id(row)], new=False)
    for row in formset.deleted_objects:
        yield row, "delete", {}


def _read(field: forms.Field, initial: Any) -> Any:
    """An initial value as the field would have given it: a row and not its id."""
    if isinstance(field, forms.ModelMultipleChoiceField) or not isinstance(
        field, forms.ModelChoiceField
    ):
        return _listed(initial)
    if initial is None or field.queryset is None:
        return initial
    return field.queryset.filter(**{field.to_field_name or "pk": initial}).first() or initial


def _listed(value: Any) -> Any:
    """Rows of a many-to-many field by their names; any other value as it is."""
    if isinstance(value, QuerySet | list):
        return sorted(str(row) for row in value)
    return value
