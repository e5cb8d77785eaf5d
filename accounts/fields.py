"""A column that holds another one folded, and the rule that no two rows fold to the same."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from accounts.folding import fold


class FoldedCharField(models.CharField):  # type: ignore[type-arg]
    """The text of the field `source`, folded as names are (accounts.folding).

    It follows its source on every save and on bulk_create; an UPDATE of the source has to name
    both.
    """

    def __init__(self, *args: Any, source: str, **kwargs: Any) -> None:
        self.source = source
        super().__init__(*args, **kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        folded = fold(getattr(model_instance, self.source))[: self.max_length]
        setattr(model_instance, self.attname, folded)
        return folded

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "source": self.source}


class UniqueFold(models.UniqueConstraint):
    """One row only may have the folded text; a form says so at the field that is folded."""

    def validate(
        self,
        model: type[models.Model],
        instance: models.Model,
        exclude: Collection[str] | None = None,
        using: str = "default",
    ) -> None:
        column = model._meta.get_field(self.fields[0])
        assert isinstance(column, FoldedCharField)
        if exclude and column.source in exclude:
            return
        folded = fold(getattr(instance, column.source))[: column.max_length]
        others = model._default_manager.using(using).exclude(pk=instance.pk)
        # Who has none has not the same.
        if folded and others.filter(**{column.name: folded}).exists():
            raise ValidationError({column.source: self.get_violation_error_message()})
