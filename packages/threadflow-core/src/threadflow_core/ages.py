"""How old things are, in few characters; the script of a page keeps the text fresh."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from html import escape

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

#: Seconds; whatever is older shows its date.
MONTH = 28 * 86400


class Ages:
    """Ages at one moment, in the language of that moment: for the many dates of one page."""

    def __init__(self) -> None:
        self.now = timezone.now()
        self.language = get_language() or ""

    def tag(self, moment: datetime, style: str = "") -> SafeString:
        """A `<time>` element. `style`: "" for "4 h", `ago` for "4 h ago", `date` for the day."""
        if moment.tzinfo is None and settings.USE_TZ:
            moment = timezone.make_aware(moment)
        iso = moment.isoformat()
        # A page shows this sixty times: the title is plain ISO, which every reader can read.
        head = f'<time datetime="{iso}" title="{iso[:10]} {iso[11:16]}"'
        if style == "date":
            return SafeString(f"{head}>{_day(moment.date(), 'DATE_FORMAT', self.language)}</time>")
        text = self.text(moment, ago=style == "ago")
        return SafeString(f'{head} data-tf-when="{escape(style)}">{text}</time>')

    def text(self, moment: datetime, *, ago: bool = False) -> str:
        """The age in one unit, as HTML; older than four weeks it is the date."""
        now = self.now if moment.tzinfo is not None else datetime.now()
        seconds = (now - moment).total_seconds()
        if -60 < seconds < 60:
            return _age(0, self.language)
        if seconds < 0 or seconds > MONTH:
            local = timezone.localtime(moment) if moment.tzinfo is not None else moment
            return _day(local.date(), "SHORT_DATE_FORMAT", self.language)
        if ago:
            return escape(_("%(age)s ago") % {"age": timesince(moment, now, depth=1)})
        minutes = int(seconds // 60)
        if minutes >= 60:  # the rest of an hour or a day is not told
            minutes -= minutes % (60 if minutes < 60 * 24 else 60 * 24)
        return _age(minutes, self.language)


@lru_cache(maxsize=2048)
def _day(day: date, style: str, language: str) -> str:
    return escape(date_format(day, style))


@lru_cache(maxsize=2048)
def _age(minutes: int, language: str) -> str:
    if not minutes:
        return escape(_("now"))
    if minutes < 60:
        return escape(pgettext("short age, minutes", "%(n)d min") % {"n": minutes})
    if minutes < 60 * 24:
        return escape(pgettext("short age, hours", "%(n)d h") % {"n": minutes // 60})
    return escape(pgettext("short age, days", "%(n)d d") % {"n": minutes // (60 * 24)})
