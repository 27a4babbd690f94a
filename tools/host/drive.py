"""Migrates the host site, serves it and takes part, as its people would."""

import os
import subprocess
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def manage(*command):
    subprocess.run([sys.executable, "-m", "django", *command], check=True, env=os.environ)


def fresh_database():
    if not os.environ.get("HOST_DATABASE", "").startswith("postgres"):
        return
    import psycopg

    with psycopg.connect(os.environ["HOST_DATABASE"], autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS threadflow_host")
        admin.execute("CREATE DATABASE threadflow_host")


def take_part():
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.test import Client

    from threadflow_forum.services import comments, subs, threads
    from threadflow_forum.swaps import get_thread_model

    members = get_user_model().objects
    ada = members.create_user("ada", password="pw", first_name="Ada")
    bo = members.create_user("bo", password="pw")
    sub = subs.open_sub(founder=ada, slug="harbour", title="Harbour")
    thread = threads.post_thread(author=ada, sub=sub, title="Who has seen my oar?")
    assert type(thread).__name__ == "Topic" and thread is not None
    assert isinstance(thread, get_thread_model())

    guest = Client(headers={"host": "club.example"})
    page = guest.get(thread.get_absolute_url())
    text = page.content.decode()
    assert page.status_code == 200 and thread.get_absolute_url().startswith("/community/")
    assert "The club's own header" in text and "Who has seen my oar?" in text
    assert "csrfmiddlewaretoken" not in text and not page.cookies

    reader = Client()
    reader.force_login(ada)
    reader.get(thread.get_absolute_url())
    refused = Client()
    refused.force_login(bo)
    address = f"/community/threads/{thread.public_id}/-/reply/"
    answer = refused.post(address, {"body": "Me"})
    assert answer.status_code == 403 and "Tell us your name." in answer.content.decode()

    bo.first_name = "Bo"
    bo.save()
    answer = refused.post(address, {"body": "By the *pier*"})
    assert answer.status_code == 303, answer.status_code
    text = reader.get(thread.get_absolute_url()).content.decode()
    assert "By the <em>pier</em>" in text and '<b class="club-new">fresh</b>' in text
    assert "1 member" in text, "the club's base has no place beside the content"
    text = reader.get(sub.get_absolute_url()).content.decode()
    assert "<h1>harbour</h1>" in text and "Joined" in text
    comment = thread.comments.get()
    vote = reader.post(f"/community/comments/{comment.public_id}/-/vote/", {"value": "1"})
    assert vote.status_code == 303
    comment.refresh_from_db()
    assert comment.score == 1
    comments.delete_comment(author=bo, comment=comment)
    print("The host site serves, with its own user, base, prefix, partial, policy and thread.")


if __name__ == "__main__":
    fresh_database()
    manage("makemigrations", "club", "-v", "0")
    manage("makemigrations", "--check", "--dry-run")
    manage("migrate", "-v", "0")
    manage("check", "--fail-level", "WARNING")
    take_part()
