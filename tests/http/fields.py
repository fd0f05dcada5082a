"""What may stand in each field of a task, at and around every limit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.service import HttpTests, Person, code, flaws

CONTROLS = [chr(number) for number in (*range(0x20), *range(0x7F, 0xA0))]
LINE_BREAKS = ["\t", "\n", "\r", "\u2028", "\u2029"]
EMOJI = "\N{GRINNING FACE}"
DECOMPOSED = "e\N{COMBINING ACUTE ACCENT}"
GROWS = "\N{DEVANAGARI LETTER QA}"
"""One character that becomes two in normal form NFC."""


class FieldTests(HttpTests):
    @pytest.fixture(params=["POST", "PATCH"])
    async def write(self, request: pytest.FixtureRequest, ada: Person) -> Any:
        """Writes fields, once into a new task and once into one that is there."""
        if request.param == "POST":

            async def write(**fields: Any) -> Any:
                return await ada.post(ada.home, body={"title": "Buy milk", **fields})
        else:
            path = ada.path(await ada.add())

            async def write(**fields: Any) -> Any:
                return await ada.patch(path, body=fields)

        return write


class Titles(FieldTests):
    async def test_a_title_has_1_to_500_code_points_after_nfc_and_trimming(self, write: Any) -> None:
        for sent, kept in (
            ("a", "a"),
            ("a" * 500, "a" * 500),
            (EMOJI * 500, EMOJI * 500),
            (DECOMPOSED * 500, "\N{LATIN SMALL LETTER E WITH ACUTE}" * 500),
            (GROWS * 250, "\N{DEVANAGARI LETTER KA}\N{DEVANAGARI SIGN NUKTA}" * 250),
            (" \t\n" + "a" * 500 + "\r\n\u2028", "a" * 500),
            ("\N{NO-BREAK SPACE}Buy milk\N{IDEOGRAPHIC SPACE}", "Buy milk"),
            ("قائمة المهام", "قائمة المهام"),
            ("<script>alert('\"&%_\\')</script>", "<script>alert('\"&%_\\')</script>"),
        ):
            answer = await write(title=sent)
            assert (answer.is_success, answer.json()["title"]) == (True, kept), sent[:9]

    async def test_shorter_and_longer_titles_are_refused(self, write: Any) -> None:
        for title, flaw in (
            ("", "empty"),
            (" \t\r\n\u2003\u2028", "empty"),
            ("a" * 501, "too_long"),
            (EMOJI * 501, "too_long"),
            (GROWS * 251, "too_long"),
            (DECOMPOSED * 501, "too_long"),
            (" " * 10 + "a" * 501, "too_long"),
        ):
            assert flaws(await write(title=title)) == {"title": flaw}, title[:9]

    async def test_the_refusal_tells_the_limit_and_the_length(self, write: Any) -> None:
        assert (await write(title="a" * 501)).json()["detail"] == "title: may have at most 500 characters, not 501."

    async def test_a_title_is_required(self, ada: Person) -> None:
        assert flaws(await ada.post(ada.home, body={})) == {"title": "missing"}

    async def test_a_title_cannot_be_null(self, write: Any) -> None:
        assert flaws(await write(title=None)) == {"title": "wrong_type"}


class Descriptions(FieldTests):
    @pytest.mark.parametrize("description", ["", "a", "a" * 10_000, EMOJI * 10_000])
    async def test_a_description_has_up_to_10000_code_points(self, write: Any, description: str) -> None:
        assert (await write(description=description)).json()["description"] == description

    async def test_10001_are_too_many(self, write: Any) -> None:
        assert flaws(await write(description="a" * 10_001)) == {"description": "too_long"}

    async def test_it_keeps_its_lines_and_tabs(self, write: Any) -> None:
        assert (await write(description="\n a\r\n\tb\n\nc \n")).json()["description"] == "a\n\tb\n\nc"

    async def test_it_is_kept_in_normal_form(self, write: Any) -> None:
        assert (await write(description=DECOMPOSED)).json()["description"] == "\N{LATIN SMALL LETTER E WITH ACUTE}"


class Tags(FieldTests):
    async def test_up_to_20_of_up_to_50_code_points_in_their_order(self, write: Any) -> None:
        tags = [f"{number:02}".ljust(50, EMOJI) for number in range(20, 0, -1)]
        assert (await write(tags=tags)).json()["tags"] == tags

    async def test_repeats_without_regard_to_case_merge_into_the_first(self, write: Any) -> None:
        tags = ["Home", "shop", "HOME ", "Straße", "STRASSE", DECOMPOSED, "\N{LATIN CAPITAL LETTER E WITH ACUTE}"]
        assert (await write(tags=tags)).json()["tags"] == [
            "Home",
            "shop",
            "Straße",
            "\N{LATIN SMALL LETTER E WITH ACUTE}",
        ]

    async def test_they_are_counted_after_merging(self, write: Any) -> None:
        tags = [str(number) for number in range(20)]
        assert (await write(tags=[*tags, *tags])).json()["tags"] == tags

    async def test_anything_else_is_refused(self, write: Any) -> None:
        for tags, flaw in (
            ([str(number) for number in range(21)], "too_many"),
            (["a" * 51], "too_long"),
            ([EMOJI * 51], "too_long"),
            ([""], "empty"),
            (["home", " \n"], "empty"),
            ("home", "wrong_type"),
            ({"home": True}, "wrong_type"),
            (["home", None], "wrong_type"),
            (["home", 1], "wrong_type"),
            ([["home"]], "wrong_type"),
            (1, "wrong_type"),
            (False, "wrong_type"),
        ):
            assert flaws(await write(tags=tags)) == {"tags": flaw}, tags


class Priorities(FieldTests):
    async def test_a_priority_has_a_name(self, write: Any) -> None:
        for priority in (
            "none",
            "low",
            "medium",
            "high",
            "urgent",
        ):
            assert (await write(priority=priority)).json()["priority"] == priority

    async def test_null_is_none(self, write: Any) -> None:
        assert (await write(priority=None)).json()["priority"] == "none"

    async def test_other_names_are_refused(self, write: Any) -> None:
        for priority in (
            "",
            "High",
            "hgih",
            "1",
            " high",
        ):
            assert flaws(await write(priority=priority)) == {"priority": "unknown_value"}, priority

    async def test_the_nearest_name_is_suggested(self, write: Any) -> None:
        assert (await write(priority="urgnet")).json()["detail"].endswith("Did you mean urgent?")


class Dues(FieldTests):
    async def test_a_day_stays_a_day_and_an_instant_is_told_in_utc(self, write: Any) -> None:
        for sent, kept in (
            ("2026-12-01", "2026-12-01"),
            ("2024-02-29", "2024-02-29"),
            ("0001-01-01", "0001-01-01"),
            ("9999-12-31", "9999-12-31"),
            ("2026-12-01T09:00:00Z", "2026-12-01T09:00:00Z"),
            ("2026-12-01t09:00:00z", "2026-12-01T09:00:00Z"),
            ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("2026-12-01T01:30:00+02:00", "2026-11-30T23:30:00Z"),
            ("2026-12-31T23:30:00-08:00", "2027-01-01T07:30:00Z"),
            ("2026-12-01T09:00:00.5Z", "2026-12-01T09:00:00.500000Z"),
            ("2026-12-01T09:00:00.123456789Z", "2026-12-01T09:00:00.123456Z"),
            (None, None),
        ):
            assert (await write(due=sent)).json()["due"] == kept

    async def test_anything_else_is_refused(self, write: Any) -> None:
        for due, flaw in (
            ("2026-12-01T09:00:00", "no_offset"),
            ("2026-12-01 09:00", "no_offset"),
            ("2026-02-30", "not_a_date"),
            ("2026-13-01", "not_a_date"),
            ("0000-01-01", "not_a_date"),
            ("10000-01-01", "not_a_date"),
            ("2026-12-01T24:00:00Z", "not_a_date"),
            ("2026-12-01T23:59:60Z", "not_a_date"),
            ("2026-12-01T09:00:00+24:00", "not_a_date"),
            ("2026-12-01T09:00:00+01:99", "not_a_date"),
            ("2026-12-01T09:00Z", "not_a_date"),
            ("0001-01-01T00:00:00+01:00", "not_a_date"),
            ("9999-12-31T23:59:59-01:00", "not_a_date"),
            ("2026-12-1", "not_a_date"),
            ("20261201", "not_a_date"),
            ("2026-W49-2", "not_a_date"),
            ("２０２６-12-01", "not_a_date"),
            ("2026-12-01\n", "not_a_date"),
            (" 2026-12-01", "not_a_date"),
            ("tomorrow", "not_a_date"),
            ("", "not_a_date"),
            ("\x00", "not_a_date"),
            (1796083200, "wrong_type"),
            ({"day": "2026-12-01"}, "wrong_type"),
            (["2026-12-01"], "wrong_type"),
            (True, "wrong_type"),
        ):
            assert flaws(await write(due=due)) == {"due": flaw}, due


class Characters(FieldTests):
    async def test_every_control_character_is_refused_by_name_inside_a_line(self, write: Any) -> None:
        for character in {*CONTROLS, *LINE_BREAKS}:
            for fields in ({"title": f"a{character}b"}, {"tags": ["home", f"a{character}b"]}):
                answer = await write(**fields)
                assert list(flaws(answer).values()) == ["control_character"], character
                assert f"U+{ord(character):04X}" in answer.json()["detail"]

    async def test_control_characters_other_than_white_space_are_refused_around_it_too(self, write: Any) -> None:
        for character in set(CONTROLS) - set(LINE_BREAKS):
            assert flaws(await write(title=f"a{character}")) == {"title": "control_character"}, character
            assert flaws(await write(title=f"{character}a")) == {"title": "control_character"}, character

    async def test_a_description_may_hold_newline_and_tab_only(self, write: Any) -> None:
        for character in set(CONTROLS) - {"\t", "\n"}:
            assert flaws(await write(description=f"a{character}b")) == {"description": "control_character"}, character

    async def test_nul_is_told_by_its_name(self, write: Any) -> None:
        answer = await write(title="a\x00b")
        assert answer.json()["detail"] == "title: must not contain the control character U+0000 (NUL)."

    @pytest.mark.parametrize("field", ["title", "description", "tags"])
    async def test_half_of_a_surrogate_pair_is_refused(self, write: Any, field: str) -> None:
        for half in ("\ud800", "\udbff", "\udc00", "\udfff", "\udc00\ud800"):
            text = f"a{half}b"
            answer = await write(**{field: [text] if field == "tags" else text})
            assert code(answer) == (400, "malformed_json")

    async def test_a_whole_surrogate_pair_is_one_character(self, write: Any) -> None:
        assert (await write(title="\ud83d\ude00")).json()["title"] == EMOJI

    async def test_strange_but_proper_text_is_kept(self, write: Any) -> None:
        for text in (
            "\ufeffa",
            "a\u200bb",
            "\ufffe\uffff",
            "\U0010ffff",
            "a\u202eb",
            "\u0130",
            "ﬁ",
            "\U000e0001",
        ):
            assert (await write(description=text)).json()["description"] == text


class Types(FieldTests):
    async def test_texts_are_texts(self, write: Any) -> None:
        for value in (0, 1.5, 10**400, True, False, [], ["a"], {}, {"a": "b"}):
            for field in ("title", "description", "priority", "due"):
                assert flaws(await write(**{field: value})) == {field: "wrong_type"}, value

    async def test_completed_is_true_or_false(self, write: Any) -> None:
        others: tuple[object, ...] = (None, 0, 1, "true", "false", "", [], {})
        for value in others:
            assert flaws(await write(completed=value)) == {"completed": "wrong_type"}, value

    async def test_every_flaw_is_told_at_once(self, write: Any) -> None:
        answer = await write(title="", description=1, completed="yes", priority="hi", tags="home", due="now", colour=1)
        assert flaws(answer) == {
            "title": "empty",
            "description": "wrong_type",
            "completed": "wrong_type",
            "priority": "unknown_value",
            "tags": "wrong_type",
            "due": "not_a_date",
            "colour": "unknown_field",
        }

    async def test_of_many_flaws_some_are_told(self, write: Any) -> None:
        answer = await write(**{f"field {number} {'x' * 1000}": 1 for number in range(500)})
        assert answer.status_code == 422
        assert len(answer.json()["details"]) == 20
        assert len(answer.content) < 10_000

    async def test_an_unknown_field_is_refused_with_the_nearest_known_one(self, write: Any) -> None:
        for field, hint in (
            ("titel", "Did you mean title?"),
            ("Title", "Did you mean title?"),
            ("due_date", "Did you mean due?"),
            ("complete", "Did you mean completed?"),
            ("discription", "Did you mean description?"),
            ("zzz", "is not a known field."),
        ):
            answer = await write(**{field: "x"})
            assert flaws(answer) == {field: "unknown_field"}
            assert answer.json()["detail"].endswith(hint)
