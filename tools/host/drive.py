"""Migrates the host site, serves it and takes part, as its people would."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from importlib.metadata import distributions
from pathlib import Path

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


def look_around():
    """Nothing is here but the wheels of core and forum, and the site's settings are plain ones."""
    from django.conf import settings

    import threadflow_forum

    ours = {d.name for d in distributions() if d.name.startswith("threadflow")}
    assert ours == {"threadflow-core", "threadflow-forum"}, ours
    assert "site-packages" in Path(threadflow_forum.__file__).parts
    processors = settings.TEMPLATES[0]["OPTIONS"]["context_processors"]
    assert not [name for name in (*settings.MIDDLEWARE, *processors) if "threadflow" in name]


def begin():
    """Two members of the club, of whom one has told a name, and a thread."""
    from django.contrib.auth import get_user_model

    from threadflow_forum.services import subs, threads
    from threadflow_forum.swaps import get_thread_model

    members = get_user_model().objects
    ada = members.create_user("ada", password="pw", first_name="Ada")
    bo = members.create_user("bo", password="pw")
    sub = subs.open_sub(founder=ada, slug="harbour", title="Harbour")
    thread = threads.post_thread(author=ada, sub=sub, title="Who has seen my oar?")
    assert get_thread_model()._meta.label == "club.Topic" and type(thread) is get_thread_model()
    thread.refresh_from_db()
    assert isinstance(thread.author_id, uuid.UUID) and thread.author == ada
    thread.boat = "Heron"
    thread.save(update_fields=["boat"])
    assert get_thread_model().objects.get(boat="Heron") == thread
    return ada, bo, thread


def read(thread):
    """What a guest sees."""
    from django.test import Client

    page = Client(headers={"host": "club.example"}).get(thread.get_absolute_url())
    text = page.content.decode()
    assert page.status_code == 200 and thread.get_absolute_url().startswith("/community/")
    assert "The club's own header" in text and "Who has seen my oar?" in text
    assert "csrfmiddlewaretoken" not in text and not page.cookies


def write(ada, bo, thread):
    """The club's policy refuses the nameless; with a name, Bo replies and Ada votes."""
    from django.test import Client

    from threadflow_forum.services import comments

    reader, writer = Client(), Client()
    reader.force_login(ada)
    writer.force_login(bo)
    reader.get(thread.get_absolute_url())
    address = f"/community/threads/{thread.public_id}/-/reply/"
    answer = writer.post(address, {"body": "Me"})
    assert answer.status_code == 403 and "Tell us your name." in answer.content.decode()
    assert thread.comments.count() == 0

    bo.first_name = "Bo"
    bo.save()
    answer = writer.post(address, {"body": "By the *pier*"})
    assert answer.status_code == 303, answer.status_code
    text = reader.get(thread.get_absolute_url()).content.decode()
    assert "By the <em>pier</em>" in text and '<b class="club-new">fresh</b>' in text
    assert "1 member" in text, "the club's base has no place beside the content"
    text = reader.get(thread.sub.get_absolute_url()).content.decode()
    assert "<h1>harbour</h1>" in text and "Joined" in text
    comment = thread.comments.get()
    vote = reader.post(f"/community/comments/{comment.public_id}/-/vote/", {"value": "1"})
    assert vote.status_code == 303
    comment.refresh_from_db()
    assert comment.score == 1
    return lambda: comments.delete_comment(author=bo, comment=comment)


def serve(thread):
    """The same page from a running server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "django", "runserver", "--noreload", f"127.0.0.1:{port}"]
    )
    try:
        text = fetch(f"http://127.0.0.1:{port}{thread.get_absolute_url()}", server)
        assert "The club's own header" in text and "By the <em>pier</em>" in text
    finally:
        server.terminate()
        server.wait(20)


def fetch(address, server):
    end = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=10) as page:  # noqa: S310 - our own
                return page.read().decode()
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.1)
    raise AssertionError("the server of the host site did not answer")


def take_part():
    import django

    django.setup()
    look_around()
    ada, bo, thread = begin()
    read(thread)
    delete = write(ada, bo, thread)
    serve(thread)
    delete()
    print("The host site serves, with its own user, base, prefix, partial, policy and thread.")


if __name__ == "__main__":
    fresh_database()
    manage("makemigrations", "club", "-v", "0")
    manage("makemigrations", "--check", "--dry-run")
    manage("migrate", "-v", "0")
    manage("check", "--fail-level", "WARNING")
    take_part()
