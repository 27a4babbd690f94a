"""allauth's forms in this site's words: labels that say what to type, and no placeholders."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from django import forms
from django.utils.translation import gettext_lazy as _

CODE = {
    "inputmode": "numeric",
    "autocomplete": "one-time-code",
    "pattern": "[0-9 ]*",
    "class": "site-digits",
    "autofocus": True,
}


class Plain(forms.BaseForm):
    """A placeholder vanishes when one begins to type; the labels are all there."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
        self.describe()

    def describe(self) -> None:
        """Set labels and help texts."""


class LoginForm(Plain, account.LoginForm):  # type: ignore[misc]
    def describe(self) -> None:
        self.fields["login"].label = _("Username or e-mail address")
        self.fields["login"].widget.attrs["autocomplete"] = "username"
        self.fields["password"].help_text = ""
        self.fields["remember"].label = _("Stay signed in for 30 days")
        self.fields["remember"].initial = True


class SignupForm(Plain, account.SignupForm):  # type: ignore[misc]
    def describe(self) -> None:
        self.fields["username"].help_text = _("This is how others see you.")
        self.fields["email"].label = _("E-mail address")
        if "password1" in self.fields:  # signing up by passkey has none
            self.fields["password1"].label = _("Password (optional)")
            self.fields["password1"].help_text = _(
                "Leave it empty to sign in by a code that we send you. If you set one: 8 characters"
                " or more, not only digits."
            )


class AddEmailForm(Plain, account.AddEmailForm):  # type: ignore[misc]
    def describe(self) -> None:
        self.fields["email"].label = _("E-mail address")


class ChangeEmailForm(Plain, account.ChangeEmailForm):  # type: ignore[misc]
    def describe(self) -> None:
        self.fields["email"].label = _("E-mail address")


class RequestLoginCodeForm(Plain, account.RequestLoginCodeForm):  # type: ignore[misc]
    def describe(self) -> None:
        self.fields["email"].label = _("E-mail address")
        self.fields["email"].help_text = _("We send six digits. They work once, for three minutes.")


class ResetPasswordForm(Plain, account.ResetPasswordForm):  # type: ignore[misc]
    def describe(self) -> None:
        self.fields["email"].label = _("E-mail address")


class ChangePasswordForm(Plain, account.ChangePasswordForm):  # type: ignore[misc]
    pass


class SetPasswordForm(Plain, account.SetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordKeyForm(Plain, account.ResetPasswordKeyForm):  # type: ignore[misc]
    pass


class ReauthenticateForm(Plain, account.ReauthenticateForm):  # type: ignore[misc]
    pass


class Coded(Plain):
    def describe(self) -> None:
        self.fields["code"].label = _("Code")
        self.fields["code"].widget.attrs.update(CODE)


class ConfirmLoginCodeForm(Coded, account.ConfirmLoginCodeForm):  # type: ignore[misc]
    pass


class ConfirmEmailVerificationCodeForm(Coded, account.ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    pass


class ConfirmPasswordResetCodeForm(Coded, account.ConfirmPasswordResetCodeForm):  # type: ignore[misc]
    pass


class MFAAuthenticateForm(Plain, mfa.AuthenticateForm):  # type: ignore[misc]
    def describe(self) -> None:
        self.fields["code"].help_text = _("From your app, or one of your recovery codes.")


class MFAReauthenticateForm(Plain, mfa.ReauthenticateForm):  # type: ignore[misc]
    pass


class ActivateTOTPForm(Coded, totp.ActivateTOTPForm):  # type: ignore[misc]
    pass
