"""Pages of the chat. A site mounts them under any prefix: `path("chat/", include(…))`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from threadflow_core.urls import shared_urls

from .views import members, messages, rooms

app_name = "threadflow_chat"

room = "<uuid:room>/"
message = "messages/<uuid:message>/-/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", rooms.IndexView.as_view(), name="index"),
    path("new/", members.NewView.as_view(), name="new"),
    path("search/", rooms.SearchView.as_view(), name="search_all"),
    path("of/<slug:code>/<str:key>/", rooms.OfView.as_view(), name="of"),
    path("of/<slug:code>/<str:key>/-/open/", rooms.OpenView.as_view(), name="open"),
    path(room, rooms.RoomView.as_view(), name="room"),
    path(f"{room}pins/", rooms.PinsView.as_view(), name="pins"),
    path(f"{room}search/", rooms.SearchView.as_view(), name="search"),
    path(f"{room}members/", members.MembersView.as_view(), name="members"),
    path(f"{room}members/<str:name>/", members.MemberView.as_view(), name="member"),
    path(f"{room}-/say/", messages.SayView.as_view(), name="say"),
    path(f"{room}-/read/", messages.ReadView.as_view(), name="read"),
    path(f"{room}-/join/", members.JoinView.as_view(), name="join"),
    path(f"{room}-/level/", members.LevelView.as_view(), name="level"),
    path(f"{room}-/settings/", members.SettingsView.as_view(), name="settings"),
    path(f"{room}-/invite/", members.InviteView.as_view(), name="invite"),
    path(f"{room}-/call/", rooms.CallView.as_view(), name="call"),
    path(f"{message}menu/", messages.MenuView.as_view(), name="menu"),
    path(f"{message}edit/", messages.EditView.as_view(), name="edit"),
    path(f"{message}history/", messages.HistoryView.as_view(), name="history"),
    path(f"{message}delete/", messages.DeleteView.as_view(), name="delete"),
    path(f"{message}restore/", messages.RestoreView.as_view(), name="restore"),
    path(f"{message}react/", messages.ReactView.as_view(), name="react"),
    path(f"{message}pin/", messages.PinView.as_view(), name="pin"),
    path(f"{message}flag/", messages.FlagView.as_view(), name="flag"),
    path(f"{message}quote/", messages.QuoteView.as_view(), name="quote"),
    path(f"{message}stop/", messages.StopView.as_view(), name="stop"),
    *shared_urls(),
]
