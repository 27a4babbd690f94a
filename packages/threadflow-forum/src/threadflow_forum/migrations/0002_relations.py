"""Every relation, the closed models, indexes and constraints."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from threadflow_core import swaps

APP = "threadflow_forum"


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("threadflow_forum", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        swaps.dependency(APP, "Sub"),
        swaps.dependency(APP, "Thread"),
        swaps.dependency(APP, "Comment"),
    ]
    # People come last: each operation renders anew whatever its model is related to, and by way of
    # people that is everything.
    operations = [
        migrations.AddField(
            model_name="thread",
            name="sub",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="threads",
                to=swaps.label(APP, "Sub"),
                verbose_name="sub",
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(fields=["-hot", "-id", "sub"], name="threadflow__hot_161f4d_idx"),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                fields=["-created_at", "-id", "sub"], name="threadflow__created_4233a9_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                fields=["-score", "-id", "sub"], name="threadflow__score_a71ca6_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                fields=["-active_at", "-id", "sub"], name="threadflow__active__7da020_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                fields=["-controversy", "-id", "sub"], name="threadflow__controv_a1743c_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(fields=["sub", "-hot", "-id"], name="threadflow__sub_id_92f6ca_idx"),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                fields=["sub", "-created_at", "-id"], name="threadflow__sub_id_3bc525_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                fields=["sub", "-score", "-id"], name="threadflow__sub_id_15a9c1_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                fields=["sub", "-active_at", "-id"], name="threadflow__sub_id_2415f8_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                fields=["sub", "-controversy", "-id"], name="threadflow__sub_id_c377af_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(fields=["sub", "-pinned_at"], name="threadflow__sub_id_4f08aa_idx"),
        ),
        migrations.AddField(
            model_name="comment",
            name="answers",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=swaps.label(APP, "Comment"),
            ),
        ),
        migrations.AddField(
            model_name="comment",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="children",
                to=swaps.label(APP, "Comment"),
            ),
        ),
        migrations.AddField(
            model_name="comment",
            name="root",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to=swaps.label(APP, "Comment"),
            ),
        ),
        migrations.AddField(
            model_name="comment",
            name="thread",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="comments",
                to=swaps.label(APP, "Thread"),
                verbose_name="thread",
            ),
        ),
        migrations.AddIndex(
            model_name="comment",
            index=models.Index(
                fields=["thread", "parent_number", "-best", "id"],
                name="threadflow__thread__ed5b2a_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="comment",
            index=models.Index(
                fields=["thread", "parent_number", "-score", "id"],
                name="threadflow__thread__6c3110_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="comment",
            index=models.Index(
                fields=["thread", "parent_number", "-controversy", "id"],
                name="threadflow__thread__91f9b0_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="comment",
            index=models.Index(
                fields=["thread", "parent_number", "number"], name="threadflow__thread__b2507a_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="comment",
            index=models.Index(fields=["thread", "path"], name="threadflow__thread__3e6f65_idx"),
        ),
        migrations.AddConstraint(
            model_name="comment",
            constraint=models.UniqueConstraint(
                fields=("thread", "number"), name="threadflow_forum_comment_number"
            ),
        ),
        migrations.AddIndex(
            model_name="sub",
            index=models.Index(
                fields=["-member_count", "-id"], name="threadflow__member__d6d20b_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="sub",
            index=models.Index(fields=["-active_at", "-id"], name="threadflow__active__fcfb31_idx"),
        ),
        migrations.AddField(
            model_name="sub",
            name="founder",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="founder",
            ),
        ),
        migrations.AddField(
            model_name="thread",
            name="author",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="author",
            ),
        ),
        migrations.AddField(
            model_name="comment",
            name="author",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="author",
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                fields=["author", "-created_at"], name="threadflow__author__3fb178_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="thread",
            constraint=models.UniqueConstraint(
                fields=("author", "nonce"), name="threadflow_forum_thread_once"
            ),
        ),
        migrations.AddIndex(
            model_name="comment",
            index=models.Index(
                fields=["author", "-created_at"], name="threadflow__author__fb00cd_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="comment",
            constraint=models.UniqueConstraint(
                fields=("author", "nonce"), name="threadflow_forum_comment_once"
            ),
        ),
        migrations.CreateModel(
            name="Block",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "blocked",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
            ],
            options={
                "verbose_name": "block",
                "verbose_name_plural": "blocks",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person", "blocked"), name="threadflow_forum_block_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CommentMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("vote", models.SmallIntegerField(default=0)),
                ("effect", models.SmallIntegerField(default=0)),
                ("karma", models.SmallIntegerField(default=0)),
                ("saved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "comment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="marks",
                        to=swaps.label(APP, "Comment"),
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
            ],
            options={
                "verbose_name": "mark on a comment",
                "verbose_name_plural": "marks on comments",
                "indexes": [
                    models.Index(
                        fields=["person", "-saved_at"], name="threadflow__person__96830e_idx"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person", "comment"), name="threadflow_forum_commentmark_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("vote__in", (-1, 0, 1))),
                        name="threadflow_forum_commentmark_vote",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Membership",
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
                            ("requested", "asked to join"),
                            ("member", "member"),
                            ("moderator", "moderator"),
                            ("owner", "owner"),
                        ],
                        default="member",
                        max_length=10,
                        verbose_name="role",
                    ),
                ),
                ("is_approved", models.BooleanField(default=False, verbose_name="may post")),
                (
                    "joined_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="joined"),
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
                ("karma", models.IntegerField(default=0, verbose_name="karma here")),
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
                    "sub",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=swaps.label(APP, "Sub"),
                    ),
                ),
            ],
            options={
                "verbose_name": "membership",
                "verbose_name_plural": "memberships",
                "indexes": [
                    models.Index(fields=["sub", "role", "id"], name="threadflow__sub_id_26756c_idx")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person", "sub"), name="threadflow_forum_member_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ModLogEntry",
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
                            ("remove_thread", "removed a thread"),
                            ("approve_thread", "approved a thread"),
                            ("lock_thread", "locked a thread"),
                            ("unlock_thread", "unlocked a thread"),
                            ("pin_thread", "pinned a thread"),
                            ("unpin_thread", "unpinned a thread"),
                            ("remove_comment", "removed a comment"),
                            ("approve_comment", "approved a comment"),
                            ("ban", "banned a person"),
                            ("unban", "lifted a ban"),
                            ("approve_member", "let a person in"),
                            ("decline_member", "declined a request"),
                            ("change_role", "changed a role"),
                            ("edit_sub", "changed the settings"),
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
                    "comment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=swaps.label(APP, "Comment"),
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
                    "reverts",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="threadflow_forum.modlogentry",
                    ),
                ),
                (
                    "sub",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="modlog",
                        to=swaps.label(APP, "Sub"),
                    ),
                ),
                (
                    "thread",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=swaps.label(APP, "Thread"),
                    ),
                ),
            ],
            options={
                "verbose_name": "entry of the moderation log",
                "verbose_name_plural": "moderation log",
                "indexes": [
                    models.Index(
                        fields=["sub", "-created_at", "-id"], name="threadflow__sub_id_faa3e9_idx"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ThreadMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("vote", models.SmallIntegerField(default=0)),
                ("effect", models.SmallIntegerField(default=0)),
                ("karma", models.SmallIntegerField(default=0)),
                ("saved_at", models.DateTimeField(blank=True, null=True)),
                ("hidden_at", models.DateTimeField(blank=True, null=True)),
                ("read_number", models.PositiveIntegerField(blank=True, null=True)),
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
                    "thread",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="marks",
                        to=swaps.label(APP, "Thread"),
                    ),
                ),
            ],
            options={
                "verbose_name": "mark on a thread",
                "verbose_name_plural": "marks on threads",
                "indexes": [
                    models.Index(
                        fields=["person", "-saved_at"], name="threadflow__person__b879f0_idx"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person", "thread"), name="threadflow_forum_threadmark_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("vote__in", (-1, 0, 1))),
                        name="threadflow_forum_threadmark_vote",
                    ),
                ],
            },
        ),
    ]
