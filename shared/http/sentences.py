"""What stands beside a problem's title: what happened, where, and what the caller can do, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from shared.http.languages import Words

REMEDIES: Mapping[str, Words] = {
    "not_found": Words(
        "Kiểm tra lại đường dẫn, mã hồ sơ và quyền xem của bạn.", "Check the path, the code and what you may see."
    ),
    "method_not_allowed": Words("Tiêu đề Allow nêu các phương thức dùng được.", "The header Allow names the methods."),
    "request_invalid": Words("Sửa yêu cầu theo tài liệu tại /docs.", "Mend the request by the description at /docs."),
    "head_too_large": Words("Rút ngắn phần đầu của yêu cầu.", "Shorten the head of the request."),
    "body_too_large": Words("Gửi nội dung nhỏ hơn.", "Send a smaller body."),
    "too_many_requests": Words(
        "Gửi lại sau số giây nêu ở Retry-After.", "Send it again after the seconds in Retry-After."
    ),
    "too_busy": Words("Gửi lại sau số giây nêu ở Retry-After.", "Send it again after the seconds in Retry-After."),
    "temporarily_unavailable": Words(
        "Gửi lại (với cùng Idempotency-Key, nếu có) sau số giây nêu ở Retry-After: yêu cầu chỉ có hiệu lực một lần.",
        "Send it again (under its Idempotency-Key, if any) after the seconds in Retry-After: it takes effect once.",
    ),
    "internal_error": Words(
        "Gửi lại (với cùng Idempotency-Key, nếu có); nếu vẫn lỗi, báo mã trace_id cho bộ phận vận hành.",
        "Send it again (under its Idempotency-Key, if it had one); if it fails again, tell the operators the trace_id.",
    ),
    "cursor_invalid": Words("Lấy nguyên giá trị của next_cursor.", "Take the cursor from next_cursor as it is."),
    "token_missing": Words("Gửi tiêu đề Authorization: Bearer.", "Send the header Authorization: Bearer."),
    "token_invalid": Words("Đăng nhập lại để lấy mã truy cập khác.", "Sign in again for another token."),
    "token_expired": Words("Đăng nhập lại để lấy mã truy cập mới.", "Sign in again for a new token."),
    "role_not_allowed": Words("Việc này thuộc vai trò khác.", "Another role does this."),
    "agency_not_allowed": Words("Việc này thuộc cơ quan khác.", "Another agency does this."),
    "officer_revoked": Words("Hỏi lãnh đạo đơn vị của bạn.", "Ask a leader of your unit."),
    "seat_not_held": Words("Hỏi lãnh đạo đơn vị của bạn.", "Ask a leader of your unit."),
    "idempotency_key_reused": Words(
        "Dùng khóa mới cho yêu cầu mới; muốn nhận lại câu trả lời cũ, gửi đúng nội dung cũ.",
        "Take a new key for a new request; for the answer of before, send what was sent before.",
    ),
    "request_in_flight": Words(
        "Gửi lại với cùng khóa sau số giây nêu ở Retry-After để nhận câu trả lời.",
        "Send it again under the same key after the seconds in Retry-After for its answer.",
    ),
    "deadline_differs": Words(
        "Báo mã hồ sơ cho bộ phận vận hành: thời hạn đã lưu không khớp với các sự kiện.",
        "Tell the operators the dossier's code: the date stored is not what its facts add up to.",
    ),
}
"""What is said of a code where whoever refuses says no more."""

A_DAY = "This is a day that exists, written YYYY-MM-DD."
A_MOMENT = "This is a moment with its offset, such as 2026-01-05T08:00:00+07:00."

VIETNAMESE: Mapping[str, str] = {
    # of requests
    "Send Content-Type: application/json.": "Gửi Content-Type: application/json.",
    "The body could not be read as JSON.": "Không đọc được nội dung dưới dạng JSON.",
    "See errors for each fault.": "Xem từng lỗi trong errors.",
    "This is not HTTP/1.1.": "Đây không phải HTTP/1.1.",
    "The request did not come whole in time.": "Yêu cầu không đến đủ trong thời gian cho phép.",
    "Send the ETag that you read.": "Gửi ETag mà bạn đã đọc.",
    'If-Match is one version in quotes, such as "3".': 'If-Match là một phiên bản trong dấu ngoặc kép, ví dụ "3".',
    "Read it again first.": "Hãy đọc lại trước.",
    "Send an Idempotency-Key that no other request had.": "Gửi một Idempotency-Key chưa yêu cầu nào dùng.",
    "A key has 1 to 200 visible ASCII characters.": "Khóa gồm 1 đến 200 ký tự ASCII nhìn thấy được.",
    # of one field, at every service
    "This holds a character that cannot be printed.": "Có ký tự không in được.",
    A_MOMENT: "Cần một thời điểm kèm múi giờ, ví dụ 2026-01-05T08:00:00+07:00.",
    A_DAY: "Cần một ngày có thật, viết YYYY-MM-DD.",
    "A citizen number has 12 digits.": "Số định danh cá nhân gồm 12 chữ số.",
    "The citizen number names no province.": "Số định danh cá nhân không ứng với tỉnh, thành phố nào.",
    "A phone number has digits only, with + before a country code.": (
        "Số điện thoại chỉ gồm chữ số, có dấu + trước mã quốc gia."
    ),
    "This is not a phone number.": "Đây không phải số điện thoại.",
    "No such phone number is in use.": "Không có số điện thoại nào như vậy đang được dùng.",
    # of dossiers, at every service
    "No such dossier is open to you.": "Không có hồ sơ nào như vậy mà bạn được xem.",
    "There is no such act.": "Không có thao tác này.",
    "Another role does this.": "Việc này thuộc vai trò khác.",
    "Somebody has acted on the dossier since you read it.": "Đã có người thao tác trên hồ sơ sau khi bạn đọc.",
    # at intake
    "The dossier was not accepted.": "Hồ sơ chưa được tiếp nhận.",
    "The act is processing's.": "Thao tác này do dịch vụ giải quyết (processing) thực hiện.",
    "POST /v1/dossiers accepts, POST /v1/registrations registers, POST /v1/refusals refuses.": (
        "Tiếp nhận bằng POST /v1/dossiers, đăng ký bằng POST /v1/registrations, từ chối bằng POST /v1/refusals."
    ),
    "Only the place of reception does this.": "Chỉ nơi tiếp nhận hồ sơ làm việc này.",
    "A desk registers at its own place.": "Bộ phận một cửa chỉ đăng ký tại nơi của mình.",
    "A leader approves for places of his own agency.": "Lãnh đạo chỉ phê duyệt cho nơi thuộc cơ quan mình.",
    "No earlier moment counts, and nothing was written.": "Không tính thời điểm sớm hơn; chưa có gì được ghi.",
    "A leader of the province signs a change of the rules off.": (
        "Chỉ lãnh đạo cấp tỉnh mới được ký ban hành thay đổi quy định."
    ),
    "Another version was published meanwhile: plan the file anew.": (
        "Đã có phiên bản khác được công bố: hãy lập kế hoạch lại."
    ),
    "The file makes another version than was planned: plan it anew.": (
        "Tệp cho ra phiên bản khác kế hoạch: hãy lập kế hoạch lại."
    ),
    "The plan says what to mend.": "Bản kế hoạch cho biết cần sửa gì.",
    "Line {line} cannot be used.": "Không dùng được dòng {line}.",
    "No commune in force today has this area code.": "Hôm nay không có đơn vị cấp xã nào đang hoạt động mang mã này.",
    "The catalogue in force has no such entry.": "Danh mục đang áp dụng không có mục này.",
    "This case of the procedure is not in force today.": "Trường hợp này của thủ tục hôm nay không có hiệu lực.",
    "The agency is not in force today.": "Cơ quan này hôm nay không hoạt động.",
    "The place may not receive this procedure today.": "Nơi này hôm nay không được tiếp nhận thủ tục này.",
    "This procedure is handed in at a desk only.": "Thủ tục này chỉ nộp trực tiếp tại bộ phận một cửa.",
    "Give one of: {reasons}.": "Chọn một trong: {reasons}.",
    "{name_en} ({code}): asked for are {originals} originals, {certified} certified, {photocopies} copied.": (
        "Cần {name_vi} ({code}): bản chính {originals}, bản sao chứng thực {certified}, bản chụp {photocopies}."
    ),
    "{name_en} ({code}) is missing.": "Thiếu {name_vi} ({code}).",
    "The case's list has no such paper.": "Danh mục giấy tờ của trường hợp này không có giấy tờ này.",
    "This paper is named twice.": "Giấy tờ này được nêu hai lần.",
    "Name at least one paper.": "Nêu ít nhất một giấy tờ.",
    "{papers} papers are asked for and missing; name at least one.": (
        "Còn thiếu {papers} giấy tờ đã yêu cầu; nêu ít nhất một."
    ),
    "This paper was not asked for, or is there.": "Giấy tờ này không được yêu cầu, hoặc đã có.",
    "A withdrawal was asked for at {moment}.": "Đã yêu cầu rút hồ sơ lúc {moment}.",
    "The date of birth lies after today.": "Ngày sinh nằm sau hôm nay.",
    "A channel named has no address.": "Có kênh được chọn mà không có địa chỉ.",
    "Leave it out: the dossier counts from now on.": "Hãy bỏ trống: hồ sơ được tính từ bây giờ.",
    "It reaches back to {earliest} at most.": "Chỉ được lùi đến ngày {earliest}.",
    "Ask the leader for another approval.": "Xin lãnh đạo một phê duyệt khác.",
    "A leader of your agency approves it: POST /v1/backdatings.": (
        "Lãnh đạo cơ quan bạn phê duyệt: POST /v1/backdatings."
    ),
    "Another moment was approved.": "Phê duyệt này dành cho thời điểm khác.",
    "Another procedure or case was approved.": "Phê duyệt này dành cho thủ tục hoặc trường hợp khác.",
    "Somebody else than who records it approves it.": "Người phê duyệt phải khác người ghi nhận.",
    # at processing
    "The last day is before the first.": "Ngày cuối nằm trước ngày đầu.",
    "Name a commune for each step that is to open at another one.": "Nêu một xã cho mỗi bước sẽ mở ở xã khác.",
    "Nobody is his own deputy.": "Người thay thế phải là người khác.",
    "Intake does this.": "Việc này do dịch vụ tiếp nhận (intake) thực hiện.",
    "Leaders and auditors look at what others owe.": "Chỉ lãnh đạo và kiểm toán xem việc của người khác.",
    "No agency of that code is in force.": "Không có cơ quan nào đang hoạt động có mã này.",
    "No other agency of that code is in force.": "Không có cơ quan khác nào đang hoạt động có mã này.",
    "No step of that number was completed.": "Chưa có bước nào mang số này được hoàn thành.",
    "No such entry of your unit can be withdrawn.": "Không có mục nào như vậy của đơn vị bạn có thể rút lại.",
    "Nothing here waits for your agency.": "Ở đây không có việc nào chờ cơ quan của bạn.",
    "That agency was asked and has not answered yet.": "Cơ quan này đã được hỏi và chưa trả lời.",
    "The agency named is not a commune.": "Cơ quan được nêu không phải cấp xã.",
    "The new moment lies after now and the due moment, within 60 days.": (
        "Thời điểm hẹn lại phải sau thời điểm hiện tại và sau hạn trả, trong vòng 60 ngày."
    ),
    "The new moment lies outside office hours.": "Thời điểm hẹn lại nằm ngoài giờ làm việc.",
    "The officer named does not hold the step's seat today.": "Cán bộ được nêu hôm nay không giữ vị trí của bước này.",
    "The officer named is revoked.": "Cán bộ được nêu đã bị thu hồi quyền.",
    "The step named does not wait for this act.": "Bước được nêu không chờ thao tác này.",
    "The unit is none of yours.": "Đơn vị này không thuộc quyền của bạn.",
    "Your agency was not asked.": "Cơ quan của bạn không được hỏi.",
    # at metrics
    "No agency has this code.": "Không có cơ quan nào mang mã này.",
    "The first day lies after the last.": "Ngày đầu nằm sau ngày cuối.",
    "A period begins no later than it ends.": "Ngày đầu của kỳ không được sau ngày cuối.",
}
"""English sentence → the same in Vietnamese; what stands in braces is put in each time."""


def in_both(sentence: str, values: Mapping[str, object] | None = None) -> Words:
    """Give a sentence of the table in both languages, its values put in; nothing of nothing.

    Raises KeyError for one that is not there.
    """
    words = Words(VIETNAMESE[sentence] if sentence else "", sentence)
    return Words(words.vi.format_map(values), words.en.format_map(values)) if values else words


def beside_title(code: str, said: str | Words) -> Words | None:
    """Give both languages of what is said of a code: the very words where they are known in both, else its remedy."""
    if isinstance(said, Words):
        return said
    remedy = REMEDIES.get(code)
    if not said:
        return remedy
    return Words(VIETNAMESE.get(said, remedy.vi if remedy else said), said)
