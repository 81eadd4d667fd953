"""The national names of a dossier's states, for whoever is told one."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts.facts import State
from shared.http.languages import Words

STATES: Mapping[State, Words] = {
    State.REGISTERED: Words("mới đăng ký", "registered"),
    State.ACCEPTED: Words("được tiếp nhận", "accepted"),
    State.REFUSED: Words("không được tiếp nhận", "refused"),
    State.PROCESSING: Words("đang xử lý", "being processed"),
    State.WAITING_FOR_PAPERS: Words("yêu cầu bổ sung giấy tờ", "waiting for papers"),
    State.WAITING_FOR_PAYMENT: Words("yêu cầu thực hiện nghĩa vụ tài chính", "waiting for payment"),
    State.WITHDRAWN: Words("công dân yêu cầu rút hồ sơ", "withdrawn"),
    State.STOPPED: Words("dừng xử lý", "stopped"),
    State.READY: Words("đã xử lý xong", "ready"),
    State.HANDED_OVER: Words("đã trả kết quả", "handed over"),
}
"""State → its national name."""
