"""Texts that something on their way to the disk and back might trip over."""

from __future__ import annotations

import string
import unicodedata

HARMLESS_TEXTS = {
    "quotes": """'single' "double" `back` ''''""",
    "backslashes": r"\ \\ \' \n \x27 \u0027 C:\new",
    "sql": "'; DROP TABLE tasks; --",
    "placeholders": "100 % %s %(name)s $1 :name ? {0} {name}",
    "dollar_quotes": "$$ $body$",
    "braces_and_commas": '{a,b} {"a"} NULL',
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇪🇺",
    "right_to_left": "قائمة المهام רשימת מטלות",
    "composed": unicodedata.normalize("NFC", "Café Åse ǰ"),
    "not_composable": "q\u0323\u0307",
    "beyond_the_plane": "\U0010fffd \U00020000 \U0001d518",
    "zero_width": "a\u200bb\u200dc\ufeffd",
    "noncharacter": "a\uffffb\ufdd0",
    "old_letters": "İstanbul ſtraße ﬁ",
}

PRINTABLE_ASCII = string.digits + string.ascii_letters + string.punctuation + " "

OWNER_IDS = {
    "one": "~",
    "longest": "i" * 255,
    "longest_of_quotes": "'" * 255,
    "longest_of_backslashes": "\\" * 255,
    "every_character": PRINTABLE_ASCII,
    "every_character_backwards": PRINTABLE_ASCII[::-1],
    "quote": "o'brien",
    "quote_last": "owner'",
    "quotes": "''''",
    "backslash_last": "owner\\",
    "backslash_quote": "owner\\'",
    "quote_backslash": "owner'\\",
    "two_backslashes_quote": "owner\\\\'",
    "escape": r"\047\x27\u0027",
    "closes_the_literal": "', true); UPDATE users SET revision = 1000; --",
    "closes_the_escaped_literal": "\\', true); UPDATE users SET revision = 1000; --",
    "condition": "' OR '1'='1",
    "comment": "owner -- /* ; */",
    "placeholder": "$1 %s :owner {owner}",
    "blanks": "  owner  ",
    "blank": " ",
}
