"""A model field derived from another one."""

from __future__ import annotations

from typing import Any

from django.db import models

from chat.search.excerpts import searchable


class FoldedTextField(models.TextField):  # type: ignore[type-arg]
    """The text of the field `source`, folded for searching; updated on every save."""

    def __init__(self, *args: Any, source: str, **kwargs: Any) -> None:
        self.source = source
        super().__init__(*args, **kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        folded = searchable(getattr(model_instance, self.source))
        setattr(model_instance, self.attname, folded)
        return folded

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "source": self.source}
