"""Signals for hosts. Past-tense ones are sent on commit, robustly; the sender is the model class.

The two `…ing` ones are sent inside the transaction: receivers may write rows or raise to veto,
and must do no I/O.
"""

from django.dispatch import Signal

#: thread. A thread appeared in its sub.
thread_posted = Signal()
#: thread. Its text, title or link changed.
thread_edited = Signal()
#: comment, thread. A comment appeared.
comment_posted = Signal()
#: comment, thread.
comment_edited = Signal()
#: thing (thread or comment), voter, before, after. An effect of a vote changed.
vote_cast = Signal()
#: membership. A person joined a sub or was let in.
member_joined = Signal()
#: entry (ModLogEntry). A privileged act happened.
moderated = Signal()

#: thing. In the transaction: the text of `thing` is no longer shown.
content_hidden = Signal()
#: sub. In the transaction: fewer people may read `sub` than before.
audience_narrowed = Signal()
