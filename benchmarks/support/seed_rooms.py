"""Create public rooms r0, r1, …: `python -m benchmarks.support.seed_rooms 100`.

Run it after benchmarks.support.seed, in the same environment. Each of its users becomes a member of
r0 and of the room with the user's number (modulo the number of rooms).
"""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.support.settings")
django.setup()

from accounts.models import User  # noqa: E402
from accounts.prepare import ADMIN, WORKSPACE_SLUG  # noqa: E402
from accounts.selectors import principal_of  # noqa: E402
from chat import services  # noqa: E402
from chat.models import Membership  # noqa: E402


def main(count: int) -> None:
    owner = principal_of(User.objects.get(username=ADMIN), WORKSPACE_SLUG)
    rooms = [
        services.create_room(principal=owner, name=f"r{number}", slug=f"r{number}")
        for number in range(count)
    ]
    users = User.objects.filter(username__startswith="driver").order_by("pk")
    Membership.objects.bulk_create(
        Membership(room=room, user=user)
        for number, user in enumerate(users)
        for room in {rooms[0], rooms[number % count]}
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
