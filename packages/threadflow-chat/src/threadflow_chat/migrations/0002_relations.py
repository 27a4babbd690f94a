"""Every relation, the closed models, indexes and constraints."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from threadflow_core import swaps

APP = "threadflow_chat"


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("threadflow_chat", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        swaps.dependency(APP, "Room"),
        swaps.dependency(APP, "Message"),
    ]
    # People come last: each operation renders anew whatever its model is related to, and by way of
    # people that is everything.
    operations = [
        migrations.AddField(
            model_name="message",
            name="reply_to",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=swaps.label(APP, "Message"),
                verbose_name="answers",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="room",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messages",
                to=swaps.label(APP, "Room"),
                verbose_name="room",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["room", "created_at"], name="threadflow__room_id_eac972_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                fields=("room", "mno"), name="threadflow_chat_message_mno"
            ),
        ),
        migrations.AddIndex(
            model_name="room",
            index=models.Index(
                fields=["-last_message_at", "-id"], name="threadflow__last_me_0f49ea_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="room",
            constraint=models.UniqueConstraint(
                condition=models.Q(("target_key", ""), _negated=True),
                fields=("target_kind", "target_key"),
                name="threadflow_chat_room_target",
            ),
        ),
        migrations.AddField(
            model_name="room",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="opened by",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="author",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="author",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["author", "-created_at"], name="threadflow__author__21f20a_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                fields=("room", "author", "nonce"), name="threadflow_chat_message_once"
            ),
        ),
        migrations.CreateModel(
            name="Mention",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("mno", models.PositiveBigIntegerField()),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mentions",
                        to=swaps.label(APP, "Message"),
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=swaps.label(APP, "Room"),
                    ),
                ),
            ],
            options={
                "verbose_name": "mention",
                "verbose_name_plural": "mentions",
                "indexes": [
                    models.Index(
                        fields=["room", "person", "mno"], name="threadflow__room_id_654de6_idx"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person", "message"), name="threadflow_chat_mention_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MessageRevision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("source", models.TextField(verbose_name="text")),
                ("html", models.TextField()),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="replaced"
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to=swaps.label(APP, "Message"),
                    ),
                ),
            ],
            options={
                "verbose_name": "earlier text of a message",
                "verbose_name_plural": "earlier texts of messages",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("message", "version"), name="threadflow_chat_revision_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Pin",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="pinned"),
                ),
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pin",
                        to=swaps.label(APP, "Message"),
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pins",
                        to=swaps.label(APP, "Room"),
                    ),
                ),
            ],
            options={
                "verbose_name": "pinned message",
                "verbose_name_plural": "pinned messages",
                "indexes": [
                    models.Index(
                        fields=["room", "-created_at"], name="threadflow__room_id_0bb4c2_idx"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reaction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("emoji", models.CharField(max_length=32, verbose_name="emoji")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "message",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reactions",
                        to=swaps.label(APP, "Message"),
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "reaction",
                "verbose_name_plural": "reactions",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("message", "emoji", "person"), name="threadflow_chat_reaction_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RoomLogEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("mute", "muted a person"),
                            ("unmute", "let a person speak again"),
                            ("kick", "sent a person out"),
                            ("ban", "banned a person"),
                            ("unban", "lifted a ban"),
                            ("change_role", "changed a role"),
                            ("remove_message", "removed a message"),
                            ("restore_message", "restored a message"),
                            ("edit_room", "changed the room"),
                        ],
                        max_length=20,
                        verbose_name="action",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                ("details", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=swaps.label(APP, "Message"),
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log",
                        to=swaps.label(APP, "Room"),
                    ),
                ),
            ],
            options={
                "verbose_name": "entry of a room's log",
                "verbose_name_plural": "logs of rooms",
                "indexes": [
                    models.Index(
                        fields=["room", "-created_at", "-id"], name="threadflow__room_id_8cf2f3_idx"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RoomMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("guest", "guest"),
                            ("member", "member"),
                            ("moderator", "moderator"),
                            ("owner", "owner"),
                        ],
                        default="member",
                        max_length=10,
                        verbose_name="role",
                    ),
                ),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("all", "every message"),
                            ("mentions", "mentions only"),
                            ("none", "nothing"),
                        ],
                        default="all",
                        max_length=10,
                        verbose_name="notifications",
                    ),
                ),
                ("last_read_mno", models.PositiveBigIntegerField(default=0)),
                ("mention_count", models.PositiveIntegerField(default=0)),
                (
                    "joined_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="joined"),
                ),
                (
                    "muted_until",
                    models.DateTimeField(blank=True, null=True, verbose_name="muted until"),
                ),
                ("banned_at", models.DateTimeField(blank=True, null=True, verbose_name="banned")),
                (
                    "banned_until",
                    models.DateTimeField(blank=True, null=True, verbose_name="banned until"),
                ),
                (
                    "ban_reason",
                    models.CharField(blank=True, max_length=300, verbose_name="reason of the ban"),
                ),
                ("last_sent_at", models.DateTimeField(blank=True, null=True)),
                ("last_sent_hash", models.CharField(blank=True, default="", max_length=32)),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to=swaps.label(APP, "Room"),
                    ),
                ),
            ],
            options={
                "verbose_name": "member of a room",
                "verbose_name_plural": "members of rooms",
                "indexes": [
                    models.Index(
                        fields=["room", "role", "id"], name="threadflow__room_id_43745b_idx"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person", "room"), name="threadflow_chat_member_once"
                    )
                ],
            },
        ),
    ]
