"""REST of the chat. A site mounts it at its own place: `path("api/v1/", include(…))`."""

from __future__ import annotations

from django.urls import path

from threadflow_core.realtime.views import TicketView

from . import members, messages, rooms

app_name = "threadflow_chat_api"
urlpatterns = [
    path("chat/rooms/", rooms.RoomsView.as_view(), name="rooms"),
    path("chat/rooms/<uuid:id>/", rooms.RoomView.as_view(), name="room"),
    path("chat/rooms/<uuid:id>/messages/", messages.MessagesView.as_view(), name="messages"),
    path("chat/rooms/<uuid:id>/pins/", messages.PinsView.as_view(), name="pins"),
    path("chat/rooms/<uuid:id>/read/", rooms.ReadView.as_view(), name="read"),
    path("chat/rooms/<uuid:id>/membership/", rooms.MembershipView.as_view(), name="membership"),
    path("chat/rooms/<uuid:id>/call/", rooms.CallView.as_view(), name="call"),
    path("chat/rooms/<uuid:id>/members/", members.MembersView.as_view(), name="members"),
    path(
        "chat/rooms/<uuid:id>/members/<str:username>/",
        members.MemberView.as_view(),
        name="member",
    ),
    path("chat/messages/<uuid:id>/", messages.MessageView.as_view(), name="message"),
    path("chat/messages/<uuid:id>/restore/", messages.RestoreView.as_view(), name="restore"),
    path("chat/messages/<uuid:id>/revisions/", messages.RevisionsView.as_view(), name="revisions"),
    path("chat/messages/<uuid:id>/reactions/", messages.ReactionsView.as_view(), name="reactions"),
    path("chat/messages/<uuid:id>/pin/", messages.PinView.as_view(), name="pin"),
    path("chat/messages/<uuid:id>/report/", messages.ReportView.as_view(), name="report"),
    path("chat/messages/<uuid:id>/stop/", messages.StopView.as_view(), name="stop"),
    path("chat/uploads/", messages.UploadsView.as_view(), name="uploads"),
    path("chat/search/", messages.SearchView.as_view(), name="search"),
    path("chat/ws-ticket/", TicketView.as_view(), name="ws-ticket"),
]
