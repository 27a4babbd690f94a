"""REST of the forum. A site mounts it at its own place: `path("api/v1/", include(…))`."""

from __future__ import annotations

from django.urls import path

from . import comments, people, subs, threads

app_name = "threadflow_forum_api"
urlpatterns = [
    path("subs/", subs.SubsView.as_view(), name="subs"),
    path("subs/<slug:slug>/", subs.SubView.as_view(), name="sub"),
    path("subs/<slug:slug>/membership/", subs.MembershipView.as_view(), name="membership"),
    path("subs/<slug:slug>/threads/", threads.SubThreadsView.as_view(), name="sub_threads"),
    path("threads/", threads.ThreadsView.as_view(), name="threads"),
    path("threads/<str:id>/", threads.ThreadView.as_view(), name="thread"),
    path("threads/<str:id>/comments/", comments.CommentsView.as_view(), name="comments"),
    path("threads/<str:id>/vote/", threads.ThreadVoteView.as_view(), name="vote"),
    path("threads/<str:id>/save/", threads.ThreadSaveView.as_view(), name="save"),
    path("threads/<str:id>/lock/", threads.ThreadLockView.as_view(), name="lock"),
    path("threads/<str:id>/remove/", threads.ThreadRemoveView.as_view(), name="remove_thread"),
    path("threads/<str:id>/approve/", threads.ThreadApproveView.as_view(), name="approve_thread"),
    path("comments/<str:id>/", comments.CommentView.as_view(), name="comment"),
    path("comments/<str:id>/replies/", comments.RepliesView.as_view(), name="replies"),
    path("comments/<str:id>/vote/", comments.CommentVoteView.as_view(), name="comment_vote"),
    path("comments/<str:id>/save/", comments.CommentSaveView.as_view(), name="comment_save"),
    path("comments/<str:id>/remove/", comments.CommentRemoveView.as_view(), name="remove_comment"),
    path(
        "comments/<str:id>/approve/", comments.CommentApproveView.as_view(), name="approve_comment"
    ),
    path("modlog/", people.ModLogView.as_view(), name="modlog"),
    path("users/<str:username>/", people.UserView.as_view(), name="user"),
    path("me/", people.MeView.as_view(), name="me"),
]
