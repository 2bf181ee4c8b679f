"""Faults in whose settings hold, in enrolment, and in who may call."""

from __future__ import annotations

from mutants.mutant import Mutant

_DECISION = "unit/managed/test_managed_decision.py::"
_AUDIT = "unit/managed/test_managed_audit.py::"
_OKTA_RPC = "unit/serve/test_okta_rpc.py::"

_REMOVAL = "contract/enrolment/test_contract_enrolment_removal.py::"
_WHOLE_STATUS = "contract/managed/test_contract_managed_whole_status.py::"
_LIFECYCLE = "contract/managed/test_contract_managed_lifecycle.py::"
_FLOW = "contract/enrolment/test_contract_enroll_flow.py::"

OF_MANAGED = (
    Mutant(
        "the credential goes wherever the plugin points",
        "managed/overlay.py",
        "if not same_organization(plugin.org_url, local.okta.org_url):",
        "if False:",
        (_DECISION + "test_the_credential_is_not_sent_to_another_organisation",),
        "Whoever may edit a plugin must not get the API token.",
    ),
    Mutant(
        "a plugin that cannot be read counts as deleted",
        "managed/decision.py",
        "if plugins.unread:",
        "if False:",
        (_DECISION + "test_a_plugin_that_cannot_be_read_is_not_one_that_was_deleted",),
        "An error is no absence: leavers would stay while nothing runs.",
    ),
    Mutant(
        "a hosted plugin of the same organisation is no obstacle",
        "managed/decision.py",
        "if hosted is not None:",
        "if False:",
        (_DECISION + "test_never_beside_a_hosted_plugin_of_the_same_organisation",),
        "Two integrations undo each other's work.",
    ),
    Mutant(
        "a deleted plugin runs by what was known of it",
        "managed/decision.py",
        "plugin = plugins.named(name)",
        "plugin = plugins.named(name) or (Plugin(name, known) if known else None)",
        (_DECISION + "test_a_missing_plugin_stops_the_sync",),
        "Deleting the plugin stops the sync.",
    ),
    Mutant(
        "what the plugin decides may be in the file as well",
        "settings.py",
        "            if given:\n",
        "            if False:\n",
        (_DECISION + "test_settings_of_the_plugin_may_not_be_in_the_file",),
        "Two sources of settings never mix silently.",
    ),
    Mutant(
        "the audit log's position moves before the events were taken",
        "managed/audit.py",
        "            await self._emit(events_of(entries, status, self._settings))\n"
        "            position = entries[-1].sequence\n"
        "            await self._store.remember_audited(position)\n",
        "            position = entries[-1].sequence\n"
        "            await self._store.remember_audited(position)\n"
        "            await self._emit(events_of(entries, status, self._settings))\n",
        (_AUDIT + "test_events_that_could_not_be_written_are_written_later",),
        "What could not be told is told later.",
    ),
    Mutant(
        "what nothing fulfils is taken",
        "serve/okta_service.py",
        "if request.enable_bidirectional_sync:",
        "if False:",
        (_OKTA_RPC + "test_unsupported_settings_are_refused_before_any_call",),
        "Nobody grants what write-back would have to carry out.",
    ),
    Mutant(
        "the connector of another organisation is removed",
        "saml/removal.py",
        "is_kept = connector is not None and connector.labels.get(OWNER) != self._org_id",
        "is_kept = connector is not None and not named",
        (_REMOVAL + "test_a_connector_that_others_made_stays_although_it_names_our_app",),
        "Its people could not sign in any more.",
    ),
    Mutant(
        "the plugin of another organisation is removed",
        "saml/removal.py",
        "if plugin is not None and plugin.labels.get(OWNER) != self._org_id:",
        "if False:",
        (_REMOVAL + "test_a_plugin_that_others_made_stays",),
        "Its sync would stop.",
    ),
    Mutant(
        "an adopted app is removed",
        "saml/removal.py",
        "if app.id != self._created_app_id:",
        "if False:",
        (_REMOVAL + "test_an_app_that_was_adopted_stays",),
        "People use it, and its assignments are gone with it.",
    ),
    Mutant(
        "a removal goes by what was shown before",
        "saml/removal.py",
        "if await self.look() != found:",
        "if False:",
        (_REMOVAL + "test_changes_between_look_and_run_are_found_before_the_first_deletion",),
        "The objects may have another owner by now.",
    ),
    Mutant(
        "the status is written before the first pass has counted",
        "service/service.py",
        '(found.has_counted or found.state == "failing")',
        "True",
        (_WHOLE_STATUS + "test_no_report_shows_counts_before_the_first_pass_has_ended",),
        "It would show a success with no users.",
    ),
    Mutant(
        "the configuration file is tried after the enrolment",
        "enroll/flow.py",
        "if check_writable(self._config, self._changes(found, found.app)):",
        "if False:",
        (_FLOW + "test_a_file_that_cannot_be_written_is_refused_before_the_first_write",),
        "App, connector and plugin exist, and the service does not run by them.",
    ),
    Mutant(
        "an unread connector names no app",
        "managed/watcher.py",
        "settings = replace(settings, app_id=settings.app_id or connector_app_id)",
        "settings = settings",
        (_LIFECYCLE + "test_while_the_connector_cannot_be_read_its_app_stays_the_source_of_people",),
        "Everybody in the organisation would become a user.",
    ),
    Mutant(
        "an error about the connector is an answer",
        "managed/watcher.py",
        "                plugins = Plugins(unread=str(error))\n            else:",
        "                pass\n            else:",
        (_LIFECYCLE + "test_while_the_connector_cannot_be_read_its_app_stays_the_source_of_people",),
        "Everybody in the organisation would become a user.",
    ),
    Mutant(
        "a plugin that the listing lacks counts as deleted",
        "managed/watcher.py",
        "if name and all(plugin.name != name for plugin in found):",
        "if False:",
        (_LIFECYCLE + "test_a_plugin_that_the_listing_lacks_is_read_by_name_before_it_counts_as_deleted",),
        "The sync would stop.",
    ),
    Mutant(
        "the status is written into a plugin of others",
        "service/service.py",
        "        if not decision.may_report:",
        "        if False:",
        (_LIFECYCLE + "test_no_status_is_written_into_a_plugin_of_others",),
        "It would replace the status of Teleport's own integration.",
    ),
)
