"""Rooms with members, for tests."""

from __future__ import annotations

from typing import Any

from accounts.models import Role, User, Workspace
from accounts.selectors import principal_of
from chat import services
from chat.models import Attachment, Membership, Message, Room
from chat.models import Role as RoomRole
from realtime.auth import Principal
from tests.support.people import make_member, make_workspace


class Team:
    """A workspace with alice, bob and carol.

    Alice owns a public and a private room, bob is in both, and carol is in neither.
    """

    def __init__(self) -> None:
        self.workspace: Workspace = make_workspace()
        self.alice = self.person("alice")
        self.bob = self.person("bob")
        self.carol = self.person("carol")
        self.general = self.room("General", people=[self.bob])
        self.ops = self.room("Ops", kind="private", people=[self.bob])

    def person(self, username: str, role: str = Role.MEMBER, **fields: Any) -> User:
        return make_member(self.workspace, role, username, **fields)

    def as_(self, user: User) -> Principal:
        return principal_of(user, self.workspace.slug)

    def room(
        self,
        name: str,
        *,
        owner: User | None = None,
        people: list[User] | None = None,
        **fields: Any,
    ) -> Room:
        by = self.as_(owner or self.alice)
        fields.setdefault("slug", name.lower())
        room = services.create_room(principal=by, name=name, **fields)
        for person in people or []:
            self.add(room, person)
        return room

    def add(self, room: Room, person: User, role: str = RoomRole.MEMBER) -> Membership:
        owner = Membership.objects.filter(room=room, role=RoomRole.OWNER).select_related("user")[0]
        by = self.as_(owner.user)
        return services.add_member(principal=by, room=room.slug, user_id=person.pk, role=role)

    def say(self, user: User, room: Room, text: str = "hello", **fields: Any) -> services.Sent:
        return services.send_message(principal=self.as_(user), room=room.slug, text=text, **fields)

    def clear(self) -> None:
        """Delete everything, for tests that create many teams in one transaction."""
        Message.objects.filter(room__workspace=self.workspace).delete()
        Attachment.objects.filter(room__workspace=self.workspace).delete()
        self.workspace.delete()
        User.objects.filter(pk__in=[self.alice.pk, self.bob.pk, self.carol.pk]).delete()
