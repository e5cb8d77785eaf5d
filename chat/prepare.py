"""First rooms of a new installation and, with demo users, a sample conversation."""

from __future__ import annotations

from django.conf import settings

from accounts.models import Membership, User, Workspace
from accounts.prepare import ADMIN, DEMO_MEMBERS, WORKSPACE_SLUG
from accounts.selectors import principal_of
from chat import services
from chat.models import Room, RoomKind
from realtime.auth import Principal
from realtime.prepare import register
from realtime.streams.unit_of_work import unit_of_work

GENERAL = "general"
STRATEGY = "pit-strategy"

WELCOME = (
    (
        "alice",
        "Hi @bob, welcome to the pit wall! This is **general**: everybody in the workspace can "
        "read it and write here.",
    ),
    (
        "bob",
        "Thanks! So this is where we talk while we watch the dashboards?",
    ),
    (
        "alice",
        "Right. A few things worth knowing:\n\n"
        "- `Enter` sends, `Shift+Enter` starts a new line.\n"
        "- Markdown works: **bold**, *italic*, `code`, lists, > quotes, and three backticks for a "
        "block of code.\n"
        "- `@name` calls somebody and rings their bell. `@all` calls the whole room; that is for "
        "its owners and moderators.\n"
        "- Point at a message to answer it, react, edit your own, or pin it.",
    ),
    (
        "bob",
        "And numbers? I'd rather not paste screenshots of a chart.",
    ),
    (
        "alice",
        "No need: post a metric as a card. It stays live in the message and links to the chart.\n\n"
        "Images and files: drop them here or paste them from the clipboard.",
    ),
    (
        "bob",
        "Nice. What if my laptop sleeps in the middle of a race?",
    ),
    (
        "alice",
        "Close it. When it wakes up you get exactly what you missed, in order, and what you typed "
        "while you were offline is sent once. Search finds the rest: try "
        "`from:alice has:link` or just a word, in any language.",
    ),
    (
        "bob",
        "Got it. See you in **Pit strategy** for the rest. 🏁",
    ),
)
STRATEGY_TALK = (
    (
        "alice",
        "This room is private: only its members know that it is there. Owners bring people in "
        "from the member list.",
    ),
    ("bob", "Good place for tomorrow's plan then. One stop or two?"),
    ("alice", "Depends on the tyres:\n\n| stint | laps | tyre |\n|---|---:|---|\n"
        "| 1 | 18 | medium |\n| 2 | 34 | hard |"),
)  # fmt: skip
DIRECT_TALK = (
    ("bob", "Psst, direct messages are just for the two of us, right?"),
    ("alice", "Just for us. You'll find me under *Direct* in the list."),
)


@register
@unit_of_work
def make_first_rooms() -> None:
    """Create the first rooms, once, in a workspace that has never had a room."""
    workspace = Workspace.objects.filter(slug=WORKSPACE_SLUG).first()
    if workspace is None or Room.objects.filter(workspace=workspace).exists():
        return
    people = _people(workspace, ADMIN, *DEMO_MEMBERS)
    admin = people.get(ADMIN)
    alice, bob = (people.get(name) for name in DEMO_MEMBERS)
    owner = admin or alice
    if owner is None:
        return
    services.create_room(
        principal=owner,
        name="General",
        slug=GENERAL,
        topic="For everybody: news, questions, hello",
    )
    if settings.PITWALL_DEMO and alice is not None and bob is not None:
        _demonstrate(alice, bob)


def _demonstrate(alice: Principal, bob: Principal) -> None:
    _talk(GENERAL, WELCOME, alice, bob)
    room = services.create_room(
        principal=alice,
        name="Pit strategy",
        slug=STRATEGY,
        kind=RoomKind.PRIVATE,
        topic="Stops, tyres and who calls them",
    )
    services.add_member(principal=alice, room=room.slug, user_id=bob.user_id)
    _talk(room.slug, STRATEGY_TALK, alice, bob)
    direct = services.open_direct_room(principal=bob, user_id=alice.user_id)
    _talk(direct.slug, DIRECT_TALK, alice, bob)


def _talk(room: str, lines: tuple[tuple[str, str], ...], alice: Principal, bob: Principal) -> None:
    speakers = {principal.username: principal for principal in (alice, bob)}
    last = 0
    for name, text in lines:
        last = services.send_message(principal=speakers[name], room=room, text=text).sequence
    for speaker in speakers.values():
        services.mark_read(principal=speaker, room=room, sequence=last)


def _people(workspace: Workspace, *usernames: str) -> dict[str, Principal]:
    members = Membership.objects.filter(workspace=workspace, user__username__in=usernames)
    users = User.objects.filter(pk__in=members.values("user_id"), is_active=True)
    return {user.username: principal_of(user, workspace.slug) for user in users}
