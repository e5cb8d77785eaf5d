"""Creates users in an installation's workspace: python -m tests.support.new_people NAME…

Prints a line of JSON for each: {"username", "user_id", "token"}. They have the demo members'
password (PITWALL_DEMO_PASSWORD).
"""

import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_project.settings")

import django

django.setup()

from django.contrib.auth.hashers import make_password

from accounts import services
from accounts.models import User, Workspace
from accounts.prepare import WORKSPACE_SLUG


def main(names: list[str]) -> None:
    workspace = Workspace.objects.get(slug=WORKSPACE_SLUG)
    # Hashing is slow on purpose: hash once for all of them.
    password = make_password(os.environ["PITWALL_DEMO_PASSWORD"])
    for name in names:
        user = User.objects.create(username=name, password=password)
        services.add_member(workspace_id=workspace.pk, user_id=user.pk)
        _, token = services.create_token(user_id=user.pk, workspace_id=workspace.pk, name="tests")
        print(json.dumps({"username": user.username, "user_id": user.pk, "token": token}))


if __name__ == "__main__":
    main(sys.argv[1:])
