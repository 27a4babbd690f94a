"""Comments over the API: pages of the tree, posting, editing, voting, moderating."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from threadflow_core.api.schema import CURSOR

from .. import blocks, branches
from ..services import comments as service
from ..services import moderation, votes
from ..swaps import get_comment_model
from ..tree import CommentSort, Tree
from .base import ForumAPIView, page_of, with_cards
from .serializers import (
    CommentSerializer,
    EditCommentSerializer,
    PostCommentSerializer,
    ReasonSerializer,
    SavedSerializer,
    ScoreSerializer,
    VoteSerializer,
)
from .threads import chosen

SORT = OpenApiParameter(
    "sort", OpenApiTypes.STR, enum=[s.value for s in CommentSort], default="best"
)


class CommentBase(ForumAPIView):
    def one(self, comment: Any, *, status: int = 200) -> Response:
        """One comment as the reader sees it."""
        reader = self.request.user
        comment.thread_public_id = comment.thread.public_id
        with_cards([comment], reader)
        if reader.is_authenticated and not hasattr(comment, "my_vote"):
            vote, saved, _score = blocks.marks_of(reader, [comment.pk]).get(
                comment.pk, (0, False, 0)
            )
            comment.my_vote, comment.my_saved = vote, saved
        headers = {"ETag": f'"{comment.version}"'}
        return Response(CommentSerializer(comment).data, status=status, headers=headers)

    def page(self, request: Request, thread: Any) -> Response:
        """A page of the tree, flat and in reading order. The same block serves every reader."""
        sort = chosen(request, "sort", CommentSort, CommentSort.BEST)
        after = request.query_params.get("cursor") or None
        block = blocks.discussion_data(
            thread,
            sort=sort,
            after=after,
            origin=request.build_absolute_uri("/"),
            build=lambda page: _serialized(request, thread, page, sort),
        )
        mine = blocks.marks_of(request.user, block["pks"]) if request.user.is_authenticated else {}
        results = []
        for pk, row in zip(block["pks"], block["rows"], strict=True):
            vote, saved, score = mine.get(pk, (0, False, row["score"]))
            results.append({**row, "my_vote": vote, "saved": saved, "score": score})
        return Response({"next": block["next"], "previous": None, "results": results})


def _serialized(request: Request, thread: Any, page: Tree, sort: CommentSort) -> dict[str, Any]:
    url = reverse("threadflow_forum_api:comments", args=[thread.public_id], request=request)
    model = get_comment_model()
    comments: list[Any] = []
    stack = list(reversed(page.nodes))
    while stack:
        node = stack.pop()
        comment = branches.instance(model, node.comment)
        comment.thread_public_id = thread.public_id
        comment.more = None
        if node.has_more:
            link = f"{url}?sort={sort}&cursor={node.more}"
            comment.more = {"count": node.more_count, "cursor": node.more, "url": link}
        comments.append(comment)
        stack.extend(reversed(node.replies))
    blocks.give_cards(comments)
    return {
        "pks": [comment.pk for comment in comments],
        "rows": list(CommentSerializer(comments, many=True).data),
        "next": f"{url}?sort={sort}&cursor={page.more}" if page.more else None,
    }


class CommentsView(CommentBase):
    limit = {"POST": service.COMMENT_LIMIT}

    @extend_schema(
        operation_id="forum_comments",
        parameters=[SORT, CURSOR],
        responses=page_of(CommentSerializer),
    )
    def get(self, request: Request, id: str) -> Response:
        """The comments of a thread in reading order; `more` and `next` lead to the rest."""
        return self.page(request, self.find_thread(id))

    @extend_schema(
        operation_id="forum_post_comment",
        request=PostCommentSerializer,
        responses={201: CommentSerializer},
    )
    def post(self, request: Request, id: str) -> Response:
        """Comment on a thread."""
        person = self.person(request)
        text = self.parse(PostCommentSerializer, request)["text"]
        thread = self.find_thread(id)
        comment = service.add_comment(author=person, thread=thread, body=text)
        comment.thread = thread
        return self.one(comment, status=201)


class RepliesView(CommentBase):
    limit = {"POST": service.COMMENT_LIMIT}

    @extend_schema(
        operation_id="forum_reply",
        request=PostCommentSerializer,
        responses={201: CommentSerializer},
    )
    def post(self, request: Request, id: str) -> Response:
        """Reply to a comment."""
        person = self.person(request)
        text = self.parse(PostCommentSerializer, request)["text"]
        parent = self.find_comment(id)
        reply = service.add_comment(author=person, thread=parent.thread, parent=parent, body=text)
        reply.thread = parent.thread
        return self.one(reply, status=201)


class CommentView(CommentBase):
    limit = {"PATCH": service.EDIT_LIMIT, "DELETE": service.EDIT_LIMIT}

    @extend_schema(operation_id="forum_comment", responses=CommentSerializer)
    def get(self, request: Request, id: str) -> Response:
        """One comment, without its replies."""
        return self.one(self.find_comment(id))

    @extend_schema(
        operation_id="forum_edit_comment",
        request=EditCommentSerializer,
        responses=CommentSerializer,
    )
    def patch(self, request: Request, id: str) -> Response:
        """Change your comment. `If-Match` or `version` guards against lost changes (412)."""
        person = self.person(request)
        given = self.parse(EditCommentSerializer, request)
        comment = service.edit_comment(
            editor=person,
            comment=self.find_comment(id),
            body=given["text"],
            version=self.version(request, given.get("version")),
        )
        return self.one(comment)

    @extend_schema(operation_id="forum_delete_comment", request=None, responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Take your comment back; replies stay."""
        service.delete_comment(author=self.person(request), comment=self.find_comment(id))
        return Response(status=204)


class CommentVoteView(CommentBase):
    limit = votes.VOTE_LIMIT

    @extend_schema(
        operation_id="forum_vote_comment", request=VoteSerializer, responses=ScoreSerializer
    )
    def put(self, request: Request, id: str) -> Response:
        """Set your vote: 1, 0 or −1. The same again changes nothing."""
        person = self.person(request)
        value = votes.Vote(self.parse(VoteSerializer, request)["value"])
        comment = votes.cast_comment_vote(voter=person, comment=self.find_comment(id), value=value)
        return Response(ScoreSerializer(comment).data)


class CommentSaveView(CommentBase):
    limit = votes.VOTE_LIMIT

    @extend_schema(
        operation_id="forum_save_comment", request=SavedSerializer, responses=SavedSerializer
    )
    def put(self, request: Request, id: str) -> Response:
        """Put the comment on your list of saved things, or take it off."""
        person = self.person(request)
        saved = self.parse(SavedSerializer, request)["saved"]
        votes.save_comment(reader=person, comment=self.find_comment(id), saved=saved)
        return Response({"saved": saved})


class CommentRemoveView(CommentBase):
    limit = moderation.MODERATION_LIMIT

    @extend_schema(
        operation_id="forum_remove_comment", request=ReasonSerializer, responses=CommentSerializer
    )
    def post(self, request: Request, id: str) -> Response:
        """Remove a comment (moderators)."""
        person = self.person(request)
        given = self.parse(ReasonSerializer, request)
        comment = self.find_comment(id)
        return self.one(moderation.remove_comment(moderator=person, comment=comment, **given))


class CommentApproveView(CommentBase):
    limit = moderation.MODERATION_LIMIT

    @extend_schema(operation_id="forum_approve_comment", request=None, responses=CommentSerializer)
    def post(self, request: Request, id: str) -> Response:
        """Show a removed or waiting comment again (moderators)."""
        person = self.person(request)
        comment = self.find_comment(id)
        return self.one(moderation.approve_comment(moderator=person, comment=comment))
