"""What goes in and out over the API. Messages have the form that live frames have."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ..abstract_models import RoomKind, RoomState
from ..models import Level, Role

MOST = 2**53 - 1
# A text, not a choice: another package's field of this name has other choices, and one schema
# has to describe both.
VISIBILITY = "public or private"


class ChatPersonSerializer(serializers.Serializer[Any]):
    """Somebody as others see them; `id` is that of live frames, null when the account is gone."""

    id = serializers.CharField(allow_null=True)
    handle = serializers.CharField()
    name = serializers.CharField()
    url = serializers.CharField()
    avatar = serializers.CharField()
    initials = serializers.CharField()
    hue = serializers.IntegerField()


class AnsweredSerializer(serializers.Serializer[Any]):
    """The message that another answers; only `gone` when it was taken back."""

    id = serializers.UUIDField()
    mno = serializers.IntegerField()
    author = ChatPersonSerializer(required=False)
    excerpt = serializers.CharField(required=False)
    gone = serializers.BooleanField(required=False)


class AttachmentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField()
    size = serializers.IntegerField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    url = serializers.CharField()


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField()


class PreviewSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    site = serializers.CharField()


class ReactionCountSerializer(serializers.Serializer[Any]):
    emoji = serializers.CharField()
    count = serializers.IntegerField()
    mine = serializers.BooleanField(required=False)


class MessageSerializer(serializers.Serializer[Any]):
    """A message; of one that was taken back, only its place and `gone`."""

    room = serializers.UUIDField()
    id = serializers.UUIDField()
    mno = serializers.IntegerField(help_text="Place in the room, without holes.")
    ver = serializers.IntegerField()
    gone = serializers.CharField(required=False, help_text="deleted or removed")
    nonce = serializers.CharField(required=False, allow_null=True)
    kind = serializers.CharField(required=False)
    author = ChatPersonSerializer(required=False)
    text = serializers.CharField(required=False)
    html = serializers.CharField(required=False)
    reply_to = AnsweredSerializer(required=False, allow_null=True)
    att = AttachmentSerializer(many=True, required=False)
    previews = PreviewSerializer(many=True, required=False)
    at = serializers.DateTimeField(required=False)
    edited = serializers.DateTimeField(required=False, allow_null=True)
    reactions = ReactionCountSerializer(many=True, required=False)
    bot = serializers.BooleanField(required=False)
    streaming = serializers.BooleanField(required=False)


class RefusalSerializer(serializers.Serializer[Any]):
    """Why the person may not write; `feature` and `upgrade_url` when a membership is missing."""

    code = serializers.CharField()
    msg = serializers.CharField()
    feature = serializers.CharField(allow_blank=True)
    upgrade_url = serializers.CharField(allow_blank=True)


class MeInRoomSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices)
    level = serializers.ChoiceField(choices=Level.choices)
    inside = serializers.BooleanField()
    last_read = serializers.IntegerField()
    unread = serializers.IntegerField()
    mentions = serializers.IntegerField()
    can = serializers.ListField(child=serializers.CharField())
    why_not_write = RefusalSerializer(allow_null=True)
    slow_left = serializers.IntegerField(help_text="Seconds until one may write again.")
    muted_until = serializers.DateTimeField(allow_null=True)


class RoomSerializer(serializers.Serializer[Any]):
    room = serializers.UUIDField()
    topic = serializers.CharField(help_text="Name of the live topic to subscribe to.")
    kind = serializers.ChoiceField(choices=RoomKind.choices)
    title = serializers.CharField()
    about = serializers.CharField()
    visibility = serializers.CharField(help_text=VISIBILITY)
    state = serializers.ChoiceField(choices=RoomState.choices)
    slow_seconds = serializers.IntegerField()
    members = serializers.IntegerField()
    last_mno = serializers.IntegerField()
    url = serializers.CharField()
    me = MeInRoomSerializer()


class RoomRowSerializer(serializers.Serializer[Any]):
    """A line of one's own list of rooms."""

    room = serializers.UUIDField()
    topic = serializers.CharField()
    kind = serializers.ChoiceField(choices=RoomKind.choices)
    title = serializers.CharField()
    url = serializers.CharField()
    visibility = serializers.CharField(help_text=VISIBILITY)
    state = serializers.ChoiceField(choices=RoomState.choices)
    role = serializers.ChoiceField(choices=Role.choices)
    level = serializers.ChoiceField(choices=Level.choices)
    unread = serializers.IntegerField()
    mentions = serializers.IntegerField()
    last_read = serializers.IntegerField()
    last_mno = serializers.IntegerField()
    last_message_at = serializers.DateTimeField(allow_null=True)
    other = ChatPersonSerializer(allow_null=True)


class OpenRoomSerializer(serializers.Serializer[Any]):
    """Give `target` (a bound room), or `person` (a direct one), or `title` (a group)."""

    target_kind = serializers.CharField(required=False, max_length=30)
    target = serializers.CharField(required=False, max_length=100)
    person = serializers.CharField(required=False, max_length=150)
    title = serializers.CharField(required=False, max_length=300)
    people = serializers.ListField(
        child=serializers.CharField(max_length=150), required=False, max_length=200
    )
    visibility = serializers.CharField(required=False, max_length=10, help_text=VISIBILITY)


class EditRoomSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(required=False)
    about = serializers.CharField(required=False, allow_blank=True)
    visibility = serializers.CharField(required=False, max_length=10, help_text=VISIBILITY)
    state = serializers.ChoiceField(choices=RoomState.choices, required=False)
    slow_seconds = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)


class SendSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(allow_blank=True, trim_whitespace=False)
    nonce = serializers.CharField(required=False, allow_null=True, trim_whitespace=False)
    reply_to = serializers.UUIDField(required=False, allow_null=True)
    attachments = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=100
    )
    confirm = serializers.BooleanField(
        default=False, help_text="Yes, `@here` is meant (after 409 `confirm_mention`)."
    )


class EditMessageSerializer(serializers.Serializer[Any]):
    """Give `ver` to be refused with 412 when somebody else was faster."""

    text = serializers.CharField(allow_blank=True, trim_whitespace=False)
    ver = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)


class ReactSerializer(serializers.Serializer[Any]):
    emoji = serializers.CharField(max_length=64)
    on = serializers.BooleanField(default=True)


class OnSerializer(serializers.Serializer[Any]):
    on = serializers.BooleanField()


class ReportMessageSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class MarkReadSerializer(serializers.Serializer[Any]):
    mno = serializers.IntegerField(min_value=0, max_value=MOST)
    unread = serializers.BooleanField(
        default=False, help_text="Make this message the first unread one."
    )


class ReadStateSerializer(serializers.Serializer[Any]):
    last_read_mno = serializers.IntegerField()
    unread = serializers.IntegerField()
    mentions = serializers.IntegerField()


class SetMembershipSerializer(serializers.Serializer[Any]):
    """`joined` joins or leaves; `level` chooses what one is told of."""

    joined = serializers.BooleanField(required=False)
    level = serializers.ChoiceField(choices=Level.choices, required=False)


class RevisionSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    text = serializers.CharField(source="source")
    html = serializers.CharField()
    replaced_at = serializers.DateTimeField(source="created_at")


class MemberSerializer(serializers.Serializer[Any]):
    """`muted_until` and `banned` are told to moderators only."""

    person = ChatPersonSerializer()
    role = serializers.ChoiceField(choices=Role.choices)
    joined_at = serializers.DateTimeField()
    muted_until = serializers.DateTimeField(required=False, allow_null=True)
    banned = serializers.BooleanField(required=False)


class InviteSerializer(serializers.Serializer[Any]):
    people = serializers.ListField(
        child=serializers.CharField(max_length=150), min_length=1, max_length=100
    )


class ModerateSerializer(serializers.Serializer[Any]):
    """`do` is what happens to the member; `until` ends a mute (needed) or a ban."""

    do = serializers.ChoiceField(choices=["mute", "unmute", "kick", "ban", "unban", "role"])
    until = serializers.DateTimeField(required=False, allow_null=True)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300)
    role = serializers.ChoiceField(choices=Role.choices, required=False)


class CallSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()
    token = serializers.CharField(allow_blank=True)
