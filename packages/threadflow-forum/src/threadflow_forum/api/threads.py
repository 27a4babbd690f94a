"""Threads over the API: feeds, posting, reading, voting, moderating."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from threadflow_core.api.pagination import cursor_of, size_of
from threadflow_core.api.pagination import page_of as cut
from threadflow_core.api.schema import CURSOR, LIMIT
from threadflow_core.exceptions import Invalid

from .. import feeds
from ..feeds import Feed, Sort, Window
from ..services import comments as comment_service
from ..services import moderation, votes
from ..services import threads as service
from .base import ForumAPIView, page_of, with_cards
from .serializers import (
    EditThreadSerializer,
    LockSerializer,
    PostThreadSerializer,
    ReasonSerializer,
    SavedSerializer,
    ScoreSerializer,
    ThreadRowSerializer,
    ThreadSerializer,
    VoteSerializer,
)

FEED = OpenApiParameter("feed", OpenApiTypes.STR, enum=["home", "all"], default="all")
SORT = OpenApiParameter("sort", OpenApiTypes.STR, enum=[s.value for s in Sort], default="hot")
WINDOW = OpenApiParameter("window", OpenApiTypes.STR, enum=[w.value for w in Window], default="all")


def chosen(request: Request, name: str, kind: Any, default: Any) -> Any:
    """A value of the query that must be one of `kind`; raises Invalid."""
    try:
        return kind(request.query_params.get(name, default))
    except ValueError as error:
        raise Invalid(fields={name: [", ".join(kind)]}) from error


class FeedView(ForumAPIView):
    def feed(self, request: Request, name: str, rows: Any, *, mixed: bool) -> Response:
        sort = chosen(request, "sort", Sort, Sort.HOT)
        window = chosen(request, "window", Window, Window.ALL)
        feed = Feed(name, sort, window, mixed)
        page = feeds.read(rows, feed, cursor_of(request), size_of(request))
        with_cards(page.items, request.user)
        return cut(request, page, ThreadRowSerializer(page.items, many=True).data)


class ThreadsView(FeedView):
    @extend_schema(
        operation_id="forum_feed",
        parameters=[FEED, SORT, WINDOW, CURSOR, LIMIT],
        responses=page_of(ThreadRowSerializer),
    )
    def get(self, request: Request) -> Response:
        """Threads of all subs that you may read (`all`), or of those you follow (`home`)."""
        if request.query_params.get("feed") == "home":
            return self.feed(request, "home", feeds.home_threads(self.person(request)), mixed=True)
        return self.feed(request, "all", feeds.all_threads(request.user), mixed=True)


class SubThreadsView(FeedView):
    limit = {"POST": service.POST_LIMIT}

    @extend_schema(
        operation_id="forum_sub_threads",
        parameters=[SORT, WINDOW, CURSOR, LIMIT],
        responses=page_of(ThreadRowSerializer),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Threads of one sub."""
        sub = self.find_sub(slug)
        rows = feeds.sub_threads(sub, request.user)
        return self.feed(request, f"sub:{sub.slug}", rows, mixed=False)

    @extend_schema(
        operation_id="forum_post_thread",
        request=PostThreadSerializer,
        responses={201: ThreadSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Post a thread: a link when `link` is given, a text otherwise."""
        person = self.person(request)
        given = self.parse(PostThreadSerializer, request)
        thread = service.post_thread(
            author=person,
            sub=self.find_sub(slug),
            title=given["title"],
            body=given["text"],
            url=given["link"],
            flair=given["flair"],
        )
        with_cards([thread], person)
        return Response(ThreadSerializer(thread).data, status=201)


class ThreadView(ForumAPIView):
    limit = {"PATCH": comment_service.EDIT_LIMIT, "DELETE": comment_service.EDIT_LIMIT}

    def answer(self, thread: Any) -> Response:
        with_cards([thread], self.request.user)
        return Response(ThreadSerializer(thread).data, headers={"ETag": f'"{thread.version}"'})

    @extend_schema(operation_id="forum_thread", responses=ThreadSerializer)
    def get(self, request: Request, id: str) -> Response:
        """One thread, without its comments."""
        return self.answer(self.find_thread(id))

    @extend_schema(
        operation_id="forum_edit_thread", request=EditThreadSerializer, responses=ThreadSerializer
    )
    def patch(self, request: Request, id: str) -> Response:
        """Change your thread. `If-Match` or `version` guards against lost changes (412)."""
        person = self.person(request)
        given = self.parse(EditThreadSerializer, request)
        thread = service.edit_thread(
            editor=person,
            thread=self.find_thread(id),
            title=given.get("title"),
            body=given.get("text"),
            flair=given.get("flair"),
            version=self.version(request, given.get("version")),
        )
        return self.answer(thread)

    @extend_schema(operation_id="forum_delete_thread", request=None, responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Take your thread back; the discussion stays."""
        service.delete_thread(author=self.person(request), thread=self.find_thread(id))
        return Response(status=204)


class ThreadVoteView(ForumAPIView):
    limit = votes.VOTE_LIMIT

    @extend_schema(
        operation_id="forum_vote_thread", request=VoteSerializer, responses=ScoreSerializer
    )
    def put(self, request: Request, id: str) -> Response:
        """Set your vote: 1, 0 or −1. The same again changes nothing."""
        person = self.person(request)
        value = votes.Vote(self.parse(VoteSerializer, request)["value"])
        thread = votes.cast_vote(voter=person, thread=self.find_thread(id), value=value)
        return Response(ScoreSerializer(thread).data)


class ThreadSaveView(ForumAPIView):
    limit = service.MARK_LIMIT

    @extend_schema(
        operation_id="forum_save_thread", request=SavedSerializer, responses=SavedSerializer
    )
    def put(self, request: Request, id: str) -> Response:
        """Put the thread on your list of saved things, or take it off."""
        person = self.person(request)
        saved = self.parse(SavedSerializer, request)["saved"]
        service.save_thread(reader=person, thread=self.find_thread(id), saved=saved)
        return Response({"saved": saved})


class ThreadLockView(ThreadView):
    http_method_names = ["put", "options"]
    limit = {"PUT": moderation.MODERATION_LIMIT}

    @extend_schema(
        operation_id="forum_lock_thread", request=LockSerializer, responses=ThreadSerializer
    )
    def put(self, request: Request, id: str) -> Response:
        """Close or open a thread (moderators)."""
        person = self.person(request)
        given = self.parse(LockSerializer, request)
        thread = moderation.set_locked(moderator=person, thread=self.find_thread(id), **given)
        return self.answer(thread)


class ThreadRemoveView(ThreadView):
    http_method_names = ["post", "options"]
    limit = {"POST": moderation.MODERATION_LIMIT}

    @extend_schema(
        operation_id="forum_remove_thread", request=ReasonSerializer, responses=ThreadSerializer
    )
    def post(self, request: Request, id: str) -> Response:
        """Remove a thread (moderators)."""
        person = self.person(request)
        given = self.parse(ReasonSerializer, request)
        return self.answer(
            moderation.remove_thread(moderator=person, thread=self.find_thread(id), **given)
        )


class ThreadApproveView(ThreadView):
    http_method_names = ["post", "options"]
    limit = {"POST": moderation.MODERATION_LIMIT}

    @extend_schema(operation_id="forum_approve_thread", request=None, responses=ThreadSerializer)
    def post(self, request: Request, id: str) -> Response:
        """Show a removed or waiting thread again (moderators)."""
        person = self.person(request)
        return self.answer(moderation.approve_thread(moderator=person, thread=self.find_thread(id)))
