"""What is said of one faulty field of a body or a query, in both languages, by Pydantic's kind of the fault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shared.http.languages import Words
from shared.http.sentences import A_DAY, A_MOMENT, in_both

_NO_TEXT = Words("Cần một chuỗi văn bản.", "This is a text.")
_NO_INTEGER = Words("Cần một số nguyên.", "This is a whole number.")
_NO_CHOICE = Words("Cần là một trong: {expected}.", "This is one of: {expected}.")
_NO_TRUTH = Words("Cần là true hoặc false.", "This is true or false.")
_NO_OBJECT = Words("Cần một đối tượng JSON.", "This is a JSON object.")
_NO_LIST = Words("Cần một danh sách JSON.", "This is a JSON list.")
_NO_UUID = Words("Cần một UUID.", "This is a UUID.")
_NO_DAY = in_both(A_DAY)
_NO_MOMENT = in_both(A_MOMENT)

KINDS: Mapping[str, Words] = {
    "missing": Words("Thiếu trường này.", "This field is missing."),
    "extra_forbidden": Words(
        "Đối tượng có trường không được biết ở đây.", "The object holds a field that is not known here."
    ),
    "string_type": _NO_TEXT,
    "string_unicode": _NO_TEXT,
    "string_too_short": Words("Cần ít nhất {min_length} ký tự.", "At least {min_length} character(s)."),
    "string_too_long": Words("Nhiều nhất {max_length} ký tự.", "At most {max_length} character(s)."),
    "string_pattern_mismatch": Words("Không đúng mẫu {pattern}.", "This has the form {pattern}."),
    "enum": _NO_CHOICE,
    "literal_error": _NO_CHOICE,
    "int_type": _NO_INTEGER,
    "int_parsing": _NO_INTEGER,
    "int_parsing_size": _NO_INTEGER,
    "int_from_float": _NO_INTEGER,
    "greater_than": Words("Cần lớn hơn {gt}.", "This is greater than {gt}."),
    "greater_than_equal": Words("Không nhỏ hơn {ge}.", "This is at least {ge}."),
    "less_than": Words("Cần nhỏ hơn {lt}.", "This is less than {lt}."),
    "less_than_equal": Words("Không lớn hơn {le}.", "This is at most {le}."),
    "bool_type": _NO_TRUTH,
    "bool_parsing": _NO_TRUTH,
    "list_type": _NO_LIST,
    "tuple_type": _NO_LIST,
    "too_short": Words("Cần ít nhất {min_length} mục.", "At least {min_length} item(s)."),
    "too_long": Words("Nhiều nhất {max_length} mục.", "At most {max_length} item(s)."),
    "dict_type": _NO_OBJECT,
    "model_type": _NO_OBJECT,
    "model_attributes_type": _NO_OBJECT,
    "date_type": _NO_DAY,
    "date_parsing": _NO_DAY,
    "date_from_datetime_inexact": _NO_DAY,
    "date_from_datetime_parsing": _NO_DAY,
    "datetime_type": _NO_MOMENT,
    "datetime_parsing": _NO_MOMENT,
    "datetime_from_date_parsing": _NO_MOMENT,
    "datetime_object_invalid": _NO_MOMENT,
    "timezone_aware": _NO_MOMENT,
    "union_tag_not_found": Words("Thiếu trường {discriminator}.", "The field {discriminator} is missing."),
    "union_tag_invalid": Words(
        "Trường {discriminator} có giá trị không được biết ở đây.",
        "The field {discriminator} has a value that is not known here.",
    ),
    "uuid_type": _NO_UUID,
    "uuid_parsing": _NO_UUID,
}
"""Kind of fault → what belongs there; the names in braces are those of Pydantic's context.

https://docs.pydantic.dev/latest/errors/validation_errors/
"""
_MEMBER = re.compile(r"<\w+\.\w+: ('\w+')>")
"""A member of an enum as Python shows it, where a caller writes its value."""
_OTHER = Words("Giá trị này không hợp lệ.", "This value is not valid.")


def said_of(fault: Mapping[str, Any]) -> Words:
    """Tell of one of Pydantic's faults what belongs in its field, nothing of what was sent.

    A validator's own ValueError is a sentence of `shared.http.sentences`.
    """
    context = fault.get("ctx") or {}
    if fault["type"] == "value_error":
        return in_both(str(context["error"]))
    words = KINDS.get(fault["type"], _OTHER)
    vi, en = (_MEMBER.sub(r"\1", text.format_map(context)) for text in (words.vi, words.en))
    return Words(vi.replace(" or ", " hoặc "), en)
