"""Rooms and users for a chaos run: python -m tests.support.chaos_chat_seed PEOPLE ROOMS.

Creates private rooms chaos0, chaos1, … with their members, and prints a line of JSON for each user:
{"name", "rooms", "token"}.
"""

import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.support.chaos_chat")

import django

django.setup()

from accounts import services as accounts
from accounts.models import User, Workspace
from accounts.prepare import ADMIN, WORKSPACE_SLUG
from accounts.selectors import principal_of
from chat import services as chat


def slug(room: int) -> str:
    return f"chaos{room}"


def rooms_of(number: int, rooms: int) -> list[str]:
    """Return a user's rooms: one room, and for every fourth user another one."""
    places = [number % rooms, (number // rooms + 1 + number) % rooms]
    return [slug(room) for room in dict.fromkeys(places[: 2 if number % 4 == 0 else 1])]


def main(people: int, rooms: int) -> None:
    workspace = Workspace.objects.get(slug=WORKSPACE_SLUG)
    owner = principal_of(User.objects.get(username=ADMIN), workspace.slug)
    for number in range(rooms):
        chat.create_room(principal=owner, name=slug(number), slug=slug(number), kind="private")
    for number in range(people):
        user = User.objects.create_user(f"person{number}")
        accounts.add_member(workspace_id=workspace.pk, user_id=user.pk)
        places = rooms_of(number, rooms)
        for room in places:
            chat.add_member(principal=owner, room=room, user_id=user.pk)
        _, token = accounts.create_token(user_id=user.pk, workspace_id=workspace.pk, name="chaos")
        print(json.dumps({"name": user.username, "rooms": places, "token": token}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
