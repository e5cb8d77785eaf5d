"""What the REST doors of accounts take and give."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import Membership


class CredentialsSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=1024, trim_whitespace=False)


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=4096)


class WorkspaceRoleSerializer(serializers.ModelSerializer[Membership]):
    """A membership as its user sees it: the workspace and their role there."""

    slug = serializers.SlugField(source="workspace.slug")
    name = serializers.CharField(source="workspace.name")

    class Meta:
        model = Membership
        fields = ["slug", "name", "role"]
