"""Pages of the forum. A site mounts them under any prefix: `path("", include(…))`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from threadflow_core.urls import shared_urls

from .views import comments, feeds, moderation, people, posting, subs, threads, votes

app_name = "threadflow_forum"

thread = "threads/<str:id>/"
comment = "comments/<str:id>/-/"
sub = "s/<slug:slug>/"

urlpatterns: list[URLPattern | URLResolver] = [
    # What is read most is tried first: none of these shadows another.
    path("", feeds.HomeView.as_view(), name="home"),
    path(f"{thread}<str:slug>/", threads.ThreadView.as_view(), name="thread"),
    path(thread, threads.ThreadRedirectView.as_view(), name="thread_id"),
    path("all/", feeds.AllView.as_view(), name="all"),
    path("saved/", feeds.SavedView.as_view(), name="saved"),
    path("submit/", posting.PickSubView.as_view(), name="submit"),
    path("subs/", subs.DirectoryView.as_view(), name="subs"),
    path("subs/new/", subs.OpenSubView.as_view(), name="open_sub"),
    path(sub, feeds.SubView.as_view(), name="sub"),
    path(f"{sub}submit/", posting.SubmitView.as_view(), name="sub_submit"),
    path(f"{sub}-/join/", subs.JoinView.as_view(), name="join"),
    path(f"{sub}mod/log/", moderation.ModLogView.as_view(), name="modlog"),
    path(f"{sub}mod/people/", moderation.PeopleView.as_view(), name="mod_people"),
    path(f"{sub}mod/people/answer/", moderation.AnswerView.as_view(), name="mod_answer"),
    path(f"{sub}mod/ban/", moderation.BanView.as_view(), name="mod_ban"),
    path(f"{sub}mod/unban/", moderation.UnbanView.as_view(), name="mod_unban"),
    path(f"{sub}mod/settings/", subs.EditSubView.as_view(), name="mod_settings"),
    path("u/<str:username>/", people.ProfileView.as_view(), name="profile"),
    path(f"{thread}-/vote/", votes.ThreadVoteView.as_view(), name="vote"),
    path(f"{thread}-/save/", votes.ThreadSaveView.as_view(), name="save"),
    path(f"{thread}-/hide/", votes.ThreadHideView.as_view(), name="hide"),
    path(f"{thread}-/reply/", posting.CommentOnView.as_view(), name="comment_on"),
    path(f"{thread}-/edit/", posting.EditThreadView.as_view(), name="edit_thread"),
    path(f"{thread}-/delete/", posting.DeleteThreadView.as_view(), name="delete_thread"),
    path(f"{thread}-/undelete/", posting.UndeleteThreadView.as_view(), name="undelete_thread"),
    path(f"{thread}-/menu/", threads.ThreadMenuView.as_view(), name="thread_menu"),
    path(f"{thread}-/remove/", moderation.RemoveThreadView.as_view(), name="remove_thread"),
    path(f"{thread}-/approve/", moderation.ApproveThreadView.as_view(), name="approve_thread"),
    path(f"{thread}-/lock/", moderation.LockView.as_view(), name="lock"),
    path(f"{thread}-/pin/", moderation.PinView.as_view(), name="pin"),
    path(f"{thread}comments/<str:comment>/", comments.CommentView.as_view(), name="comment"),
    path(f"{comment}vote/", votes.CommentVoteView.as_view(), name="comment_vote"),
    path(f"{comment}save/", votes.CommentSaveView.as_view(), name="comment_save"),
    path(f"{comment}reply/", posting.ReplyView.as_view(), name="reply"),
    path(f"{comment}edit/", posting.EditCommentView.as_view(), name="edit_comment"),
    path(f"{comment}delete/", posting.DeleteCommentView.as_view(), name="delete_comment"),
    path(f"{comment}undelete/", posting.UndeleteCommentView.as_view(), name="undelete_comment"),
    path(f"{comment}menu/", comments.CommentMenuView.as_view(), name="comment_menu"),
    path(f"{comment}remove/", moderation.RemoveCommentView.as_view(), name="remove_comment"),
    path(f"{comment}approve/", moderation.ApproveCommentView.as_view(), name="approve_comment"),
    *shared_urls(),
]
