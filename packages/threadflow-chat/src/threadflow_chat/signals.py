"""Signals for hosts. Past-tense ones are sent on commit, robustly; the sender is the model class.

`content_hidden` is sent inside the transaction: receivers may write rows or raise to veto, and
must do no I/O.
"""

from django.dispatch import Signal

#: room. A room appeared.
room_opened = Signal()
#: room. Its title, topic, visibility, slow mode or state changed.
room_changed = Signal()
#: message, room. A message appeared. Bots: when it began.
message_sent = Signal()
#: message, room. Its text changed, or a bot's message was finished.
message_edited = Signal()
#: message, room.
message_deleted = Signal()
#: message, room.
message_restored = Signal()
#: message, person, emoji, on.
reaction_changed = Signal()
#: member (RoomMember), room.
member_joined = Signal()
#: person, room. Left, kicked or banned.
member_left = Signal()
#: entry (RoomLogEntry). A privileged act happened.
moderated = Signal()

#: thing (a message). In the transaction: its text is no longer shown.
content_hidden = Signal()
