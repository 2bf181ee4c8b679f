"""Faults in what people read: foreign text on a terminal, and who gets access."""

from __future__ import annotations

from mutants.mutant import Mutant

_OUTPUT = "unit/cli/test_cli_output.py::"
_PLAN = "unit/cli/test_cli_plan.py::"
_RENDER = "unit/plan/test_plan_render.py::"
_SETTINGS = "unit/cli/test_cli_whose_settings.py::"

OF_OUTPUT = (
    Mutant(
        "foreign text reaches a terminal as it is",
        "cli/output.py",
        "text = self._wrapped(printable(str(line)))",
        "text = self._wrapped(str(line))",
        (_OUTPUT + "test_a_foreign_name_can_neither_break_its_line_nor_control_a_terminal",),
        "A name must not forge a line of a plan, nor send a sequence to a terminal.",
    ),
    Mutant(
        "JSON shows bidi controls as they are",
        "observe/text.py",
        "line if line.isprintable() else _escaped_in_json(line)",
        "line",
        (_OUTPUT + "test_json_holds_a_foreign_name_unharmed_and_shows_no_control_character",),
        "JSON is read at terminals too.",
    ),
    Mutant(
        "foreign text can end a block of code in Markdown",
        "plan/markdown.py",
        'fence = "`" * max(3, longest + 1)',
        'fence = "`" * 3',
        (_RENDER + "test_markdown_keeps_foreign_text_inside_of_code",),
        "A name must not write into a pull request.",
    ),
    Mutant(
        "a plan hides members behind the first few although all are asked for",
        "plan/render.py",
        "most = None if all_members else _MEMBERS_SHOWN",
        "most = _MEMBERS_SHOWN",
        (_RENDER + "test_a_new_list_shows_the_first_members_and_how_many_more_and_all_when_asked",),
        "Who gets access is shown before it is given.",
    ),
    Mutant(
        "apply asks nothing at a terminal",
        "cli/apply.py",
        "if digest is None and not yes and has_terminal():",
        "if digest is None and not yes and False:",
        (_PLAN + "test_apply_asks_at_a_terminal_and_applies_what_was_shown",),
        "A person sees what is done before it is done.",
    ),
    Mutant(
        "apply goes on after a no",
        "cli/apply.py",
        'return view.digest if confirm("apply exactly this?", err=is_json) else None',
        'confirm("apply exactly this?", err=is_json)\n    return view.digest',
        (_PLAN + "test_apply_asks_at_a_terminal_and_applies_what_was_shown",),
        "A no is a no.",
    ),
    Mutant(
        "apply uses other settings than the file without being told",
        "cli/whose_settings.py",
        "    if whose is None:\n",
        "    if False:\n",
        (_SETTINGS + "test_nothing_is_applied_with_other_settings_unless_told_which",),
        "A command applies what its file says, or what it was told to apply.",
    ),
    Mutant(
        "a plan is of the service's settings although the file has others",
        "cli/whose_settings.py",
        "return whose is Whose.SERVICE",
        "return True",
        (_SETTINGS + "test_a_plan_is_of_the_file_unless_told_otherwise_and_names_the_keys",),
        "A plan follows the file that it is given.",
    ),
)
