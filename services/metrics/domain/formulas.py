"""How each published figure is computed, in words: one table for the board, the JSON report and the docs (C11, C15)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Formula(BaseModel):
    """One figure with its names and its formula, in Vietnamese and English."""

    model_config = ConfigDict(frozen=True)

    figure: str
    name_vi: str
    name_en: str
    vi: str
    en: str


def _formula(figure: str, *, vi: tuple[str, str], en: tuple[str, str]) -> Formula:
    return Formula(figure=figure, name_vi=vi[0], name_en=en[0], vi=vi[1], en=en[1])


FORMULAS: tuple[Formula, ...] = (
    _formula(
        "carried_over",
        vi=(
            "Kỳ trước chuyển qua",
            "tiếp nhận trước kỳ mà đến đầu kỳ chưa giải quyết xong, hoặc đã xong trước kỳ mà mở lại trong kỳ",
        ),
        en=(
            "Carried over",
            "received before the period and not yet resolved at its start, or resolved before it and reopened within",
        ),
    ),
    _formula(
        "received",
        vi=("Đã tiếp nhận", "số hồ sơ được tiếp nhận chính thức trong kỳ; hồ sơ bị từ chối trước đó không tính"),
        en=("Received", "dossiers formally accepted in the period; those refused before acceptance do not count"),
    ),
    _formula(
        "resolved",
        vi=("Đã giải quyết", "đúng hạn + quá hạn + đóng không có kết quả; kết quả đã mở lại không tính"),
        en=("Resolved", "on time + late + closed without result; a result that was reopened does not count"),
    ),
    _formula(
        "resolved_on_time",
        vi=(
            "Giải quyết đúng hạn",
            "xử lý xong không muộn hơn thời điểm hẹn trả, đúng lúc hẹn vẫn là đúng hạn; chỉ tạm dừng theo luật dời hẹn",
        ),
        en=(
            "Resolved on time",
            "finished no later than the promised moment; exactly at it is on time; only pauses by law move that moment",
        ),
    ),
    _formula(
        "resolved_late",
        vi=("Giải quyết quá hạn", "xử lý xong sau thời điểm hẹn trả; việc hẹn lại không làm thay đổi"),
        en=("Resolved late", "finished after the promised moment; a new appointment does not change that"),
    ),
    _formula(
        "closed_without_result",
        vi=("Đóng không có kết quả", "rút, dừng hoặc từ chối sau khi đã tiếp nhận"),
        en=("Closed without result", "withdrawn, stopped or refused after acceptance"),
    ),
    _formula(
        "in_progress",
        vi=("Đang giải quyết", "kỳ trước chuyển qua + đã tiếp nhận − đã giải quyết"),
        en=("In progress", "carried over + received − resolved"),
    ),
    _formula(
        "in_progress_within_limit",
        vi=(
            "Đang giải quyết trong hạn",
            "đang giải quyết − đang giải quyết đã quá hạn; gồm cả hồ sơ đang chờ bổ sung, chờ nộp tiền, tạm dừng",
        ),
        en=(
            "In progress within limit",
            "in progress − in progress overdue; those that wait for papers or payment are among them",
        ),
    ),
    _formula(
        "in_progress_overdue",
        vi=("Đang giải quyết quá hạn", "chưa xử lý xong mà thời điểm hẹn trả đã qua, tính đến lúc chốt số liệu"),
        en=("In progress overdue", "not finished although the promised moment has passed when the figures were taken"),
    ),
    _formula(
        "share_resolved_of_received",
        vi=("Tỷ lệ đã giải quyết", "đã giải quyết ÷ (kỳ trước chuyển qua + đã tiếp nhận)"),
        en=("Share resolved", "resolved ÷ (carried over + received)"),
    ),
    _formula(
        "share_on_time",
        vi=("Tỷ lệ đúng hạn", "đúng hạn ÷ (đúng hạn + quá hạn); hồ sơ đóng không có kết quả không tính"),
        en=("Share on time", "on time ÷ (on time + late); dossiers closed without result are outside both"),
    ),
    _formula(
        "apologies_published",
        vi=("Thư xin lỗi đã gửi", "số hồ sơ được gửi thư xin lỗi và hẹn lại ngày trả kết quả (Mẫu 04)"),
        en=("Apologies published", "dossiers for which an apology with a new appointment was sent (form 04)"),
    ),
    _formula(
        "reopened",
        vi=("Kết quả bị mở lại", "số lần hồ sơ đã xử lý xong được mở lại trong kỳ; đã quá hạn thì vẫn là quá hạn"),
        en=("Reopened", "how often a finished dossier was reopened in the period; one that was late stays late"),
    ),
    _formula(
        "supplements_repeated",
        vi=(
            "Yêu cầu bổ sung lặp lại",
            "số lần hồ sơ đã tiếp nhận bị yêu cầu bổ sung từ lần thứ hai trở đi, mỗi lần do lãnh đạo duyệt",
        ),
        en=(
            "Papers asked for again",
            "how often papers were asked for a second time or more after acceptance, each approved by a leader",
        ),
    ),
    _formula(
        "backdated",
        vi=(
            "Lùi thời điểm tiếp nhận",
            "số hồ sơ tính từ trước lúc ghi nhận, do lãnh đạo duyệt theo bằng chứng; đếm vào ngày ghi nhận",
        ),
        en=(
            "Backdated",
            "accepted as of before their record, approved by a leader on evidence; counted on the day of the record",
        ),
    ),
    _formula(
        "notices",
        vi=(
            "Tin nhắn cho người dân",
            "mỗi tin từng được chuyển đi, tới nơi, không rõ kết quả hoặc thất bại; một tin có thể qua nhiều kết quả",
        ),
        en=(
            "Notices to citizens",
            "each message that was ever handed over, delivered, of unknown fate or failed; one may be several",
        ),
    ),
)
"""In the order of the report."""
