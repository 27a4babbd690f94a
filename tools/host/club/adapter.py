from threadflow_core.policies import Verdict
from threadflow_forum.adapter import ForumAdapter


class Adapter(ForumAdapter):
    """Only people with a first name write here."""

    def may_take_part(self, *, person):
        return Verdict.yes() if person.first_name else Verdict.no("nameless", "Tell us your name.")
