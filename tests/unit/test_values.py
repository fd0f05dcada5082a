"""Every way in: what is let through is in its one proper form, and what is not is refused for what it is."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo.domain.errors import InvalidError
from todo.domain.values import (
    DESCRIPTION_LENGTH,
    EMAIL_LENGTH,
    NAME_LENGTH,
    TAG_LENGTH,
    TAGS_COUNT,
    TITLE_LENGTH,
    USER_AGENT_LENGTH,
    USER_ID_LENGTH,
    clean_user_agent,
    parse_description,
    parse_due,
    parse_email,
    parse_name,
    parse_password,
    parse_tags,
    parse_task_id,
    parse_title,
    parse_user_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Parse = Callable[[str], Any]


def parse_tag(text: str) -> str:
    (tag,) = parse_tags([text])
    return tag


def flaw_of(parse: Callable[[Any], Any], value: object) -> str:
    """Why the value is refused, as the code that programs may rely on."""
    with pytest.raises(InvalidError) as refused:
        parse(value)
    assert str(refused.value).endswith(".")
    return refused.value.flaw


LINES = [
    pytest.param(parse_title, TITLE_LENGTH, id="title"),
    pytest.param(parse_tag, TAG_LENGTH, id="tag"),
    pytest.param(parse_name, NAME_LENGTH, id="name"),
]
TEXTS = [*LINES, pytest.param(parse_description, DESCRIPTION_LENGTH, id="description")]
LIMITED = [*TEXTS, pytest.param(parse_password, 128, id="password")]

ANYTHING = st.text(st.characters() | st.sampled_from("\0\t\n\r\x1b\x7f\x85\u2028\u2029\ud800\udfff \u0301\u0344é"))
MOSTLY_FINE = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" \u00a0\u3000\u0301\u0344👩\u200d")
)
CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
HALVES = [*map(chr, (0xD800, 0xDBFF, 0xDC00, 0xDFFF)), "\ude00\ud83d"]
BLANKS = [chr(code) for code in range(0x110000) if chr(code).isspace() and unicodedata.category(chr(code)) != "Cc"]


class TestEveryText:
    @pytest.mark.parametrize(("parse", "longest"), LIMITED)
    @pytest.mark.parametrize("character", ["x", "é", "😀", "\U0010fffd", "ק"])
    def test_may_be_as_long_as_its_limit_and_no_longer(self, parse: Parse, longest: int, character: str) -> None:
        assert parse(character * longest) == character * longest
        assert flaw_of(parse, character * (longest + 1)) == "too_long"

    @pytest.mark.parametrize(("parse", "longest"), LIMITED)
    def test_says_how_long_it_may_be(self, parse: Parse, longest: int) -> None:
        with pytest.raises(InvalidError, match=f"at most {longest} characters, not {longest + 2}"):
            parse("x" * (longest + 2))

    @pytest.mark.parametrize(("parse", "longest"), LIMITED)
    def test_is_counted_after_it_was_composed(self, parse: Parse, longest: int) -> None:
        assert parse("e\u0301" * longest) == "é" * longest

    @pytest.mark.parametrize(("parse", "longest"), LIMITED)
    def test_is_counted_after_it_was_decomposed(self, parse: Parse, longest: int) -> None:
        # of the few characters that NFC takes apart
        assert parse("\u0958" * (longest // 2)) == "\u0915\u093c" * (longest // 2)
        assert flaw_of(parse, "\u0958" * (longest // 2 + 1)) == "too_long"

    @pytest.mark.parametrize(("parse", "longest"), LIMITED)
    @pytest.mark.parametrize("half", HALVES, ids=ascii)
    def test_has_no_half_characters(self, parse: Parse, longest: int, half: str) -> None:
        assert flaw_of(parse, f"good{half}good") == "not_unicode"
        assert flaw_of(parse, half + "x" * longest) == "not_unicode"

    @pytest.mark.parametrize(("parse", "longest"), TEXTS)
    def test_is_counted_without_the_blanks_around_it(self, parse: Parse, longest: int) -> None:
        assert parse(f" \n\t {'x' * longest} \t\n ") == "x" * longest

    @pytest.mark.parametrize(("parse", "longest"), TEXTS)
    @pytest.mark.parametrize("blank", BLANKS, ids=ascii)
    def test_stands_without_the_blanks_around_it(self, parse: Parse, longest: int, blank: str) -> None:
        assert parse(f"{blank}{blank}x{blank}") == "x"
        assert parse(f"{blank}😀{blank}") == "😀"
        assert len("x") <= longest

    @pytest.mark.parametrize(("parse", "longest"), TEXTS)
    @given(text=ANYTHING)
    def test_is_refused_or_in_its_one_proper_form(self, parse: Parse, longest: int, text: str) -> None:
        try:
            value = parse(text)
        except InvalidError:
            return
        assert value == unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
        assert len(value) <= longest
        assert not any(
            unicodedata.category(character) in {"Cc", "Cs"} for character in value if character not in "\t\n"
        )
        assert parse(value) == value

    @pytest.mark.parametrize(("parse", "longest"), TEXTS)
    @given(text=MOSTLY_FINE)
    def test_is_taken_unless_it_is_too_long_or_empty(self, parse: Parse, longest: int, text: str) -> None:
        proper = unicodedata.normalize("NFC", text).strip()
        if not proper and parse is not parse_description:
            assert flaw_of(parse, text) == "empty"
        elif len(proper) > longest:
            assert flaw_of(parse, text) == "too_long"
        else:
            assert parse(text) == proper

    @pytest.mark.parametrize(("parse", "longest"), TEXTS)
    @given(character=st.sampled_from(sorted(set(CONTROLS) - set("\t\n\r"))))
    def test_names_the_control_character_that_it_must_not_have(
        self, parse: Parse, longest: int, character: str
    ) -> None:
        for text in (f"a{character}b", f"{character}a", f"a{character}", f"é{character}", character):
            with pytest.raises(InvalidError, match=rf"U\+{ord(character):04X}\b") as refused:
                parse(text)
            assert refused.value.flaw == "control_character"
        assert flaw_of(parse, character + "x" * longest) == "control_character"

    @pytest.mark.parametrize(
        ("character", "name"),
        [("\0", "NUL"), ("\x1b", "ESCAPE"), ("\x7f", "DELETE")],
    )
    @pytest.mark.parametrize(("parse", "longest"), TEXTS)
    def test_names_the_best_known_of_them_in_words(self, parse: Parse, longest: int, character: str, name: str) -> None:
        with pytest.raises(InvalidError, match=rf"U\+{ord(character):04X} \({name}\)\."):
            parse(f"a{character}" + "b" * (longest - 1))


class TestOneLine:
    @pytest.mark.parametrize(("parse", "longest"), LINES)
    @pytest.mark.parametrize("text", ["", " ", "\n", " \t\r\n ", "\u00a0\u3000", "\u2028"])
    def test_is_not_empty(self, parse: Parse, longest: int, text: str) -> None:
        assert flaw_of(parse, text) == "empty"
        assert len(text) <= longest

    @pytest.mark.parametrize(("parse", "longest"), LINES)
    @pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\t", "\u2028", "\u2029"], ids=ascii)
    def test_has_no_second_line(self, parse: Parse, longest: int, end: str) -> None:
        with pytest.raises(InvalidError, match=rf"U\+{ord(end[0]):04X}") as refused:
            parse(f"a{end}b")
        assert refused.value.flaw == "control_character"
        assert parse(f"{end}a{end}") == "a"
        assert flaw_of(parse, f"{end}a{end}" + "b" * longest) == "control_character"

    @pytest.mark.parametrize("parse", [parse_title, parse_tag, parse_name])
    @pytest.mark.parametrize(("character", "name"), [("\n", "NEWLINE"), ("\t", "TAB"), ("\r", "CARRIAGE RETURN")])
    def test_names_the_line_break(self, parse: Parse, character: str, name: str) -> None:
        with pytest.raises(InvalidError, match=rf"\({name}\)"):
            parse(f"a{character}b")


class TestDescription:
    @pytest.mark.parametrize("text", ["", " ", "\n\n", "\r\n"])
    def test_may_be_empty(self, text: str) -> None:
        assert parse_description(text) == ""

    def test_keeps_its_lines_and_tabs(self) -> None:
        assert parse_description(" one\n\n\ttwo\u2028three ") == "one\n\n\ttwo\u2028three"

    def test_ends_its_lines_in_one_way(self) -> None:
        assert parse_description("one\r\ntwo\nthree\r\n\r\nfour") == "one\ntwo\nthree\n\nfour"

    def test_counts_the_end_of_a_line_once(self) -> None:
        lines = "x\r\n" * (DESCRIPTION_LENGTH // 2 - 1)
        assert len(parse_description(lines + "xx")) == DESCRIPTION_LENGTH
        assert flaw_of(parse_description, lines + "xxx") == "too_long"

    def test_has_no_lone_carriage_returns(self) -> None:
        assert flaw_of(parse_description, "one\rtwo") == "control_character"


class TestTags:
    def test_may_be_none(self) -> None:
        assert parse_tags([]) == ()

    def test_keep_their_order_and_their_case(self) -> None:
        assert parse_tags(["Zoo", "apple", "Émile"]) == ("Zoo", "apple", "Émile")

    @pytest.mark.parametrize(
        "spellings",
        [
            ["home", "Home", "HOME", " home "],
            ["Straße", "STRASSE", "strasse"],
            ["é", "e\u0301", "É", "E\u0301"],
            ["ΣΑΣ", "σας", "σασ"],
            ["ﬁn", "FIN"],
            ["ǰ", "J\u030c", "j\u030c"],
        ],
        ids=ascii,
    )
    def test_that_differ_in_case_only_merge_into_the_first(self, spellings: list[str]) -> None:
        first, *others = spellings
        kept = unicodedata.normalize("NFC", first)
        assert parse_tags(["other", first, *others, "last"]) == ("other", kept, "last")

    def test_that_differ_in_more_do_not_merge(self) -> None:
        assert parse_tags(["cafe", "café", "Cafe "]) == ("cafe", "café")

    def test_are_at_most_twenty(self) -> None:
        tags = [f"tag {number}" for number in range(TAGS_COUNT)]
        assert parse_tags(tags) == tuple(tags)
        assert flaw_of(parse_tags, [*tags, "one more"]) == "too_many"

    def test_are_counted_after_repeats_have_merged(self) -> None:
        tags = [f"tag {number}" for number in range(TAGS_COUNT)]
        assert parse_tags([*tags, *(tag.upper() for tag in tags)]) == tuple(tags)

    @given(st.lists(st.text("aAbBéÉßſ", min_size=1, max_size=2), max_size=TAGS_COUNT))
    def test_stay_as_they_are_once_they_are_proper(self, texts: list[str]) -> None:
        tags = parse_tags(texts)
        assert parse_tags(tags) == tags
        assert {tag.casefold() for tag in tags} == {text.casefold() for text in texts}
        assert len({tag.casefold() for tag in tags}) == len(tags)


class TestDue:
    @given(st.dates())
    def test_a_day_stays_a_day(self, day: date) -> None:
        due = parse_due(day.isoformat())
        assert type(due) is date
        assert due == day

    @given(st.datetimes(), st.sampled_from(["Z", "z", "+00:00", "-00:00"]), st.sampled_from(["T", "t"]))
    def test_an_instant_is_that_instant_in_utc(self, moment: datetime, zone: str, letter: str) -> None:
        text = f"{moment:%H:%M:%S}.{moment.microsecond:06}"
        due = parse_due(f"{moment.date().isoformat()}{letter}{text}{zone}")
        assert due == moment.replace(tzinfo=UTC)
        assert isinstance(due, datetime)
        assert due.tzinfo is UTC

    @given(
        st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),  # noqa: DTZ001
        st.integers(-1439, 1439),
    )
    def test_an_offset_is_taken_off(self, moment: datetime, minutes: int) -> None:
        sign = "-" if minutes < 0 else "+"
        offset = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
        text = moment.replace(microsecond=0).isoformat()
        expected = moment.replace(microsecond=0, tzinfo=UTC) - timedelta(minutes=minutes)
        assert parse_due(f"{text}{offset}") == expected

    @pytest.mark.parametrize(
        ("fraction", "microseconds"),
        [
            ("", 0),
            (".5", 500_000),
            (".000001", 1),
            (".123456", 123_456),
            (".1234567", 123_456),
            (".999999999", 999_999),
        ],
    )
    def test_what_is_finer_than_a_microsecond_is_cut_off(self, fraction: str, microseconds: int) -> None:
        due = parse_due(f"2026-12-01T09:00:00{fraction}Z")
        assert due == datetime(2026, 12, 1, 9, 0, 0, microseconds, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("text", "due"),
        [
            ("0001-01-01", date(1, 1, 1)),
            ("9999-12-31", date(9999, 12, 31)),
            ("2024-02-29", date(2024, 2, 29)),
            ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
            ("0001-01-01T00:00:00-01:00", datetime(1, 1, 1, 1, tzinfo=UTC)),
            ("9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
            ("9999-12-31T23:59:59+23:59", datetime(9999, 12, 31, 0, 0, 59, tzinfo=UTC)),
        ],
    )
    def test_reaches_from_the_first_year_to_the_last(self, text: str, due: date) -> None:
        assert parse_due(text) == due

    @pytest.mark.parametrize(
        "text",
        [
            "2026-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-04-31",
            "2026-12-00",
            "0000-01-01",
            "0000-01-01T00:00:00Z",
            "2026-12-01T24:00:00Z",
            "2026-12-01T25:00:00Z",
            "2026-12-01T09:60:00Z",
            "2026-12-01T09:00:61Z",
            "2016-12-31T23:59:60Z",  # a leap second that there was: no clock of ours can tell it
            "2026-12-01T09:00:00+24:00",
            "2026-12-01T09:00:00+12:60",
            "2026-12-01T09:00:00-12:99",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ],
    )
    def test_what_does_not_exist_is_refused(self, text: str) -> None:
        assert flaw_of(parse_due, text) == "not_a_date"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "tomorrow",
            "2026-12-01 ",
            " 2026-12-01",
            "2026-12-01\n",
            "2026-12-01T09:00:00Z\n",
            "2026-12-1",
            "26-12-01",
            "20261201",
            "2026-W49-2",
            "2026-335",
            "+2026-12-01",
            "12026-12-01",
            "2026-12-01T09:00Z",
            "2026-12-01 09:00:00Z",
            "2026-12-01T090000Z",
            "2026-12-01T09:00:00,5Z",
            "2026-12-01T09:00:00.Z",
            "2026-12-01T09:00:00.1234567890Z",
            "2026-12-01T09:00:00+01",
            "2026-12-01T09:00:00+0100",
            "2026-12-01T09:00:00+01:00:00",
            "2026-12-01T09:00:00 +01:00",
            "2026-12-01T09:00:00Z+01:00",
            "2026-12-01T09:00:00\u221201:00",
            "２０２６-12-01",
            "٢٠٢٦-١٢-٠١",
            "2026-12-01T0９:00:00Z",
            "2026-12-01\0",
            "\ud800",
            "9" * 10_000,
        ],
    )
    def test_what_rfc_3339_does_not_write_is_refused(self, text: str) -> None:
        assert flaw_of(parse_due, text) == "not_a_date"

    @pytest.mark.parametrize(
        "text", ["2026-12-01T09:00:00", "2026-12-01t09:00:00.5", "2026-12-01T09:00", "2026-12-01 09:00:00"]
    )
    def test_a_time_needs_its_offset(self, text: str) -> None:
        assert flaw_of(parse_due, text) == "no_offset"

    @given(st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9:.]{5,12}([Zz]|[+-][0-9:]{4,6})?)?"))
    def test_is_refused_or_a_day_or_an_instant_in_utc(self, text: str) -> None:
        try:
            due = parse_due(text)
        except InvalidError:
            return
        assert type(due) is date or (isinstance(due, datetime) and due.tzinfo is UTC)


class TestTaskId:
    @pytest.mark.parametrize("text", ["0199e1b2-7c3d-7000-8000-0123456789ab", "0199E1B2-7C3D-7000-8000-0123456789AB"])
    def test_is_a_uuid_of_version_7(self, text: str) -> None:
        assert parse_task_id(text) == UUID(text)

    @pytest.mark.parametrize("version", [0, 1, 3, 4, 5, 6, 8, 15])
    def test_has_no_other_version(self, version: int) -> None:
        assert flaw_of(parse_task_id, f"0199e1b2-7c3d-{version:x}000-8000-000000000000") == "not_version_7"

    @pytest.mark.parametrize("variant", "01234567cdef")
    def test_has_no_other_variant(self, variant: str) -> None:
        assert flaw_of(parse_task_id, f"0199e1b2-7c3d-7000-{variant}000-000000000000") == "not_version_7"

    def test_is_not_a_random_uuid(self) -> None:
        assert flaw_of(parse_task_id, str(uuid4())) == "not_version_7"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "1",
            "0199e1b27c3d70008000000000000000",
            "{0199e1b2-7c3d-7000-8000-000000000000}",
            "urn:uuid:0199e1b2-7c3d-7000-8000-000000000000",
            "0199e1b2-7c3d-7000-8000-00000000000",
            "0199e1b2-7c3d-7000-8000-0000000000000",
            "0199e1b2-7c3d-7000-8000-00000000000g",
            " 0199e1b2-7c3d-7000-8000-000000000000",
            "0199e1b2-7c3d-7000-8000-000000000000\n",
            "0199e1b2-7c3d-7000-8000-00000000000０",
            "0199e1b27-c3d-7000-8000-000000000000",
            "\ud800",
        ],
    )
    def test_is_written_in_the_usual_way(self, text: str) -> None:
        assert flaw_of(parse_task_id, text) == "not_a_uuid"


class TestUserId:
    @pytest.mark.parametrize("text", ["a", " ", "~", "i" * USER_ID_LENGTH, "auth0|1234", "' OR 1=1 --", "a/b"])
    def test_is_any_printable_ascii(self, text: str) -> None:
        assert parse_user_id(text) == text

    @pytest.mark.parametrize("text", ["", "i" * (USER_ID_LENGTH + 1), "é", "a\n", "a\0", "\x7f", "a\u00a0", "\ud800"])
    def test_is_nothing_else(self, text: str) -> None:
        assert flaw_of(parse_user_id, text) == "not_a_user_id"


class TestEmail:
    @pytest.mark.parametrize(
        ("text", "email"),
        [
            ("ada@example.com", "ada@example.com"),
            (" Ada@Example.COM\n", "ada@example.com"),
            ("a@b", "a@b"),
            ("!#$%&'*+/=?^_`{|}~-.@example.com", "!#$%&'*+/=?^_`{|}~-.@example.com"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
            (f"{'l' * 64}@{'d' * 63}.{'d' * 63}.{'d' * 61}", f"{'l' * 64}@{'d' * 63}.{'d' * 63}.{'d' * 61}"),
        ],
    )
    def test_is_kept_in_lower_case(self, text: str, email: str) -> None:
        assert len(email) <= EMAIL_LENGTH
        assert parse_email(text) == email

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@@example.com",
            "ada@example..com",
            "ada@.example.com",
            "ada@-example.com",
            "ada@example-.com",
            "ada@example.com.",
            "ada lovelace@example.com",
            "ada@exa mple.com",
            "ada@example.com\0",
            "ada\n@example.com",
            "Ada <ada@example.com>",
            "adä@example.com",
            "ada@bücher.example",
            "ada@[127.0.0.1]",
            "\u212a@example.com",  # the Kelvin sign, whose lower case is k
            "\ud800@example.com",
            f"{'l' * 65}@example.com",
            f"a@{'d' * 64}.com",
            f"{'l' * 64}@{'d' * 63}.{'d' * 63}.{'d' * 62}",
        ],
    )
    def test_has_the_form_that_browsers_accept(self, text: str) -> None:
        assert flaw_of(parse_email, text) == "not_an_email"

    @given(st.emails())
    def test_takes_the_addresses_that_there_are(self, text: str) -> None:
        if len(text.partition("@")[0]) <= 64:
            assert parse_email(text) == text.lower()


class TestPassword:
    @pytest.mark.parametrize("character", ["x", " ", "\0", "\n", "é", "😀"], ids=ascii)
    def test_has_at_least_eight_characters_of_any_kind(self, character: str) -> None:
        assert parse_password(character * 8) == character * 8
        assert flaw_of(parse_password, character * 7) == "too_short"

    def test_is_counted_as_it_is_kept(self) -> None:
        assert flaw_of(parse_password, "e\u0301" * 7) == "too_short"
        assert parse_password("e\u0301" * 8) == "é" * 8

    def test_keeps_its_blanks(self) -> None:
        assert parse_password("  secret  ") == "  secret  "

    def test_is_never_repeated_in_an_error(self) -> None:
        with pytest.raises(InvalidError) as refused:
            parse_password("hunter2")
        assert "hunter2" not in str(refused.value)


class TestUserAgent:
    @pytest.mark.parametrize(
        ("said", "kept"),
        [
            ("Mozilla/5.0 (X11)", "Mozilla/5.0 (X11)"),
            ("  Phone\t1.0\x00\x1b[31m ", "Phone 1.0 [31m"),
            ("x" * 1000, "x" * USER_AGENT_LENGTH),
            ("x" * 199 + " y", "x" * 199),
            ("\ud800é", "é"),
            ("", None),
            (" \x00\t", None),
        ],
        ids=ascii,
    )
    def test_is_kept_in_one_printable_line(self, said: str, kept: str | None) -> None:
        assert clean_user_agent(said) == kept
