"""What stands in the way of an enrolment. Each error names the object, and the ways out."""

from __future__ import annotations

from teleport_okta.errors import TeleportOktaError


class EnrolmentError(TeleportOktaError):
    """The enrolment cannot go on. Nothing more was written than what has been reported."""


class MissingRightsError(EnrolmentError):
    """The bot may not do what the enrolment needs. Give its role what the message names."""


class ChangedMeanwhileError(EnrolmentError):
    """What there is has changed since it was looked at. Enrol again to see what is to be done now."""


class ForeignConnectorError(EnrolmentError):
    """A SAML connector of the name exists and does not say that it belongs to an app of ours: somebody else made it.

    Choose another name, or say by a label which app it belongs to.
    """


class DeadAppError(EnrolmentError):
    """The app that the connector is labelled with is not there any more, or hidden from our admin role."""


class DisabledAppError(EnrolmentError):
    """The app is deactivated in Okta: nobody can sign in. Activate it there."""


class OtherAddressError(EnrolmentError):
    """The app sends people who signed in to another address than that of the connector, or of the proxy."""


class AmbiguousAppError(EnrolmentError):
    """Several apps could be meant. Name one by its id."""


class OtherPluginError(EnrolmentError):
    """A plugin resource exists with which this service may not work: it is somebody else's, or of something else."""


class CredentialTooWeakError(EnrolmentError):
    """Okta accepts the credential, and does not let it read what the sync reads."""
