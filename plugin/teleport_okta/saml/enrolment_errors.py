"""Errors of an enrolment. Each names the object, and the remedies."""

from __future__ import annotations

from teleport_okta.errors import TeleportOktaError


class EnrolmentError(TeleportOktaError):
    """The enrolment cannot continue. Only the reported steps were written."""


class MissingRightsError(EnrolmentError):
    """The bot lacks rights for the enrolment. Add the rights in the message to its role."""


class ChangedMeanwhileError(EnrolmentError):
    """Something changed since the enrolment checked it. Enrol again to see the present steps."""


class ForeignConnectorError(EnrolmentError):
    """A SAML connector of the name exists, and no label says that it belongs to an app of ours.

    Choose another name, or give it the label of its app.
    """


class DeadAppError(EnrolmentError):
    """The app that the connector's label names was deleted, or our admin role does not show it."""


class DisabledAppError(EnrolmentError):
    """The app is deactivated in Okta: nobody can sign in. Activate it there."""


class OtherAddressError(EnrolmentError):
    """The app sends people who signed in to another address than that of the connector, or of the proxy."""


class AmbiguousAppError(EnrolmentError):
    """Several apps match. Choose one by its id."""


class OtherPluginError(EnrolmentError):
    """A plugin resource exists that this service must not use: it is of another type or organisation, or hosted."""


class CredentialTooWeakError(EnrolmentError):
    """Okta accepts the credential, but does not let it read what the sync reads."""
