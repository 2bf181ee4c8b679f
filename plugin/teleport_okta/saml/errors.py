"""What stands in the way of an enrolment. Each error names the object, and the ways out."""

from __future__ import annotations

from teleport_okta.errors import TeleportOktaError


class EnrolmentError(TeleportOktaError):
    """The enrolment cannot go on. Nothing more was written than what has been reported."""


class ForeignConnectorError(EnrolmentError):
    """A SAML connector of the name exists and is not labelled with an Okta app: somebody made it by hand.

    Choose another name, or say by a label which app it belongs to.
    """


class DeadAppError(EnrolmentError):
    """The app that the connector is labelled with is not there any more, or hidden from our admin role."""


class DisabledAppError(EnrolmentError):
    """The app is deactivated in Okta: nobody can sign in. Activate it there."""


class OtherAddressError(EnrolmentError):
    """The app sends people who signed in to another address than this connector's."""


class AmbiguousAppError(EnrolmentError):
    """Several apps could be meant. Name one by its id."""


class OtherPluginError(EnrolmentError):
    """A plugin resource of the name exists, and is not one that this service may take over."""
