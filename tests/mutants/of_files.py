"""Faults in who may use the data directory and the socket in it, and by whose settings a command goes."""

from __future__ import annotations

from mutants.mutant import Mutant

_DATA_DIR = "unit/state/test_state_data_dir.py::"
_RELOADED = "contract/managed/test_contract_reloaded.py::"
_ADMIN = "unit/serve/test_admin.py::"

OF_FILES = (
    Mutant(
        "a data directory that everybody can write is used",
        "state/data_dir.py",
        "    if found.st_mode & stat.S_IWOTH:\n",
        "    if False:\n",
        (_DATA_DIR + "test_one_that_everybody_can_write_is_refused", _DATA_DIR + "test_it_is_not_held_either"),
        "Nobody else puts a key or a socket where the service's lie.",
    ),
    Mutant(
        "a data directory that an access control list lets others write is used",
        "state/data_dir.py",
        "if tag == _ACL_USER and number not in users:",
        "if False:",
        (_DATA_DIR + "test_an_access_control_list_lets_no_other_user_write",),
        "No other user can replace the socket or the state.",
    ),
    Mutant(
        "root writes into the directory of the service's user",
        "state/data_dir.py",
        "        if os.geteuid() == _ROOT:\n",
        "        if False:\n",
        (_DATA_DIR + "test_root_does_not_write_into_the_directory_of_another_user_but_may_read_it",),
        "A command of root does not keep the service from working.",
    ),
    Mutant(
        "a socket of anybody is trusted",
        "serve/admin_client.py",
        "    if listener.uid not in {_ROOT, owner, os.geteuid()}:\n",
        "    if False:\n",
        (_ADMIN + "test_a_socket_is_trusted_only_of_the_owner_of_its_directory_or_of_root",),
        "A command sends and shows nothing of a service that somebody else plays.",
    ),
    Mutant(
        "a command goes by the settings before those that were just read",
        "service/service.py",
        "        self._plugins.take(local)\n        self._settled.clear()\n",
        "        self._plugins.take(local)\n",
        (_RELOADED + "test_a_command_does_not_go_by_the_settings_before",),
        "What a person takes over from the file is what is applied.",
    ),
    Mutant(
        "a service opens its log before it looks at whose data directory it is",
        "service/process.py",
        "    check_ours(settings.storage.data_dir)\n",
        "",
        ("unit/service/test_service_process.py::test_no_log_is_opened_if_the_data_directory_is_refused",),
        "A log that root made is closed to the service's user.",
    ),
    Mutant(
        "a file gets the number of a standard stream that is closed",
        "cli/root.py",
        "    open_closed_streams()\n",
        "",
        ("unit/cli/test_cli_output.py::test_streams_that_are_closed_harm_nothing",),
        "What is printed must not get into the state.",
    ),
)
