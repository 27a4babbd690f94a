"""What goes in and out over the API. Texts come as Markdown and as safe HTML."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from threadflow_core.people import PersonCard

from ..abstract_models import Visibility


class PersonSerializer(serializers.Serializer[PersonCard]):
    """Somebody as others see them; `username` is empty when the account is gone."""

    username = serializers.CharField(source="handle")
    name = serializers.CharField()
    url = serializers.CharField()
    avatar_url = serializers.CharField()


class SubSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    about_html = serializers.CharField(source="sidebar_html")
    visibility = serializers.ChoiceField(choices=Visibility.choices)
    rules = serializers.ListField(child=serializers.DictField())
    flairs = serializers.ListField(child=serializers.DictField())
    member_count = serializers.IntegerField()
    thread_count = serializers.IntegerField()
    archived = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    url = serializers.CharField(source="get_absolute_url")

    def get_archived(self, sub: Any) -> bool:
        return sub.archived_at is not None


class OpenSubSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField(required=False, allow_blank=True, max_length=300)
    sidebar = serializers.CharField(required=False, allow_blank=True)
    visibility = serializers.ChoiceField(choices=Visibility.choices, default="public")


class EditSubSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(required=False, max_length=100)
    description = serializers.CharField(required=False, allow_blank=True, max_length=300)
    sidebar = serializers.CharField(required=False, allow_blank=True)
    visibility = serializers.ChoiceField(choices=Visibility.choices, required=False)


class MembershipSerializer(serializers.Serializer[Any]):
    role = serializers.CharField()
    joined = serializers.BooleanField(source="is_inside")
    approved = serializers.BooleanField(source="is_approved")
    banned_until = serializers.DateTimeField(allow_null=True)
    karma = serializers.IntegerField()


class JoinSerializer(serializers.Serializer[Any]):
    joined = serializers.BooleanField()


class TextSerializer(serializers.Serializer[Any]):
    """What threads and comments share. `text` and `html` are null while the text is hidden."""

    id = serializers.CharField(source="public_id")
    author = PersonSerializer(source="card")
    state = serializers.CharField()
    state_reason = serializers.CharField()
    html = serializers.SerializerMethodField()
    score = serializers.IntegerField()
    version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    my_vote = serializers.SerializerMethodField()
    saved = serializers.SerializerMethodField()

    def get_html(self, thing: Any) -> str | None:
        return thing.body_html if getattr(thing, "readable", thing.is_visible) else None

    def get_my_vote(self, thing: Any) -> int:
        return int(getattr(thing, "my_vote", None) or 0)

    def get_saved(self, thing: Any) -> bool:
        return bool(getattr(thing, "my_saved", None))


class ThreadSerializer(TextSerializer):
    sub = serializers.CharField(source="sub.slug")
    kind = serializers.CharField()
    title = serializers.SerializerMethodField()
    link = serializers.SerializerMethodField()
    flair = serializers.CharField()
    comment_count = serializers.IntegerField()
    locked = serializers.BooleanField(source="is_locked")
    pinned = serializers.SerializerMethodField()
    active_at = serializers.DateTimeField()
    url = serializers.CharField(source="get_absolute_url")

    def get_title(self, thread: Any) -> str | None:
        return thread.title if getattr(thread, "readable", thread.is_visible) else None

    def get_link(self, thread: Any) -> str | None:
        return thread.url or None if getattr(thread, "readable", thread.is_visible) else None

    def get_pinned(self, thread: Any) -> bool:
        return thread.pinned_at is not None


class ThreadRowSerializer(ThreadSerializer):
    """A thread in a list: an excerpt in place of the text."""

    html = None  # type: ignore[assignment]
    excerpt = serializers.CharField()


class MoreSerializer(serializers.Serializer[Any]):
    """What hangs below a comment and is not in this answer: follow `url`."""

    count = serializers.IntegerField()
    cursor = serializers.CharField()
    url = serializers.CharField()


class CommentSerializer(TextSerializer):
    thread = serializers.CharField(source="thread_public_id")
    parent = serializers.SerializerMethodField()  # type: ignore[assignment]
    number = serializers.IntegerField()
    depth = serializers.IntegerField()
    reply_count = serializers.IntegerField(source="descendant_count")
    url = serializers.CharField(source="get_absolute_url")
    more = serializers.SerializerMethodField()

    def get_parent(self, comment: Any) -> str | None:
        if comment.parent_id is None:
            return None
        return str(type(comment).public_ids.encode(comment.parent_id))

    @extend_schema_field(MoreSerializer(allow_null=True))
    def get_more(self, comment: Any) -> dict[str, Any] | None:
        return getattr(comment, "more", None)


class PostThreadSerializer(serializers.Serializer[Any]):
    title = serializers.CharField()
    text = serializers.CharField(required=False, allow_blank=True, default="")
    link = serializers.CharField(required=False, allow_blank=True, default="")
    flair = serializers.CharField(required=False, allow_blank=True, default="")


class EditThreadSerializer(serializers.Serializer[Any]):
    """Give `version` (or `If-Match`) to be refused with 412 when somebody else was faster."""

    title = serializers.CharField(required=False)
    text = serializers.CharField(required=False, allow_blank=True)
    flair = serializers.CharField(required=False, allow_blank=True)
    version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)


class PostCommentSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(allow_blank=True, trim_whitespace=False)


class EditCommentSerializer(PostCommentSerializer):
    version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)


class VoteSerializer(serializers.Serializer[Any]):
    value = serializers.ChoiceField(choices=[(1, "up"), (0, "none"), (-1, "down")])


class ScoreSerializer(serializers.Serializer[Any]):
    score = serializers.IntegerField()
    my_vote = serializers.IntegerField()


class SavedSerializer(serializers.Serializer[Any]):
    saved = serializers.BooleanField()


class LockSerializer(serializers.Serializer[Any]):
    locked = serializers.BooleanField()
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class ModLogSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    sub = serializers.CharField(source="sub.slug")
    action = serializers.CharField()
    reason = serializers.CharField()
    actor = PersonSerializer(source="actor_card")
    thread = serializers.SerializerMethodField()
    comment = serializers.SerializerMethodField()
    reverts = serializers.IntegerField(source="reverts_id", allow_null=True)
    created_at = serializers.DateTimeField()

    def get_thread(self, entry: Any) -> str | None:
        return entry.thread.public_id if entry.thread else None

    def get_comment(self, entry: Any) -> str | None:
        return entry.comment.public_id if entry.comment else None


class UserSerializer(PersonSerializer):
    joined_at = serializers.DateTimeField(allow_null=True)
    karma = serializers.IntegerField()


class MeSerializer(UserSerializer):
    subs = serializers.ListField(child=serializers.CharField())
