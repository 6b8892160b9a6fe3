"""English."""

from __future__ import annotations

from nvr.texts.words import Units, Words
from storage.causes import Cause, CauseClass

WORDS = Words(
    language="en",
    name="English",
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    short_months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    units=Units("d", "h", "min", "s", ".", ","),
    causes={
        Cause.DISABLED: "Switched off by order",
        Cause.MAINTENANCE: "Planned maintenance",
        Cause.SCHEDULE: "Outside its recording schedule",
        Cause.NOT_CONFIGURED: "Camera not set up",
        Cause.UNREACHABLE: "Camera unreachable",
        Cause.UNAUTHORIZED: "Camera refused the password",
        Cause.REJECTED: "Camera refused the connection",
        Cause.STALLED: "Connected, but no picture arrived",
        Cause.ENDED: "Camera closed the connection",
        Cause.CORRUPT: "Picture damaged on the way",
        Cause.CLOCK_STEP: "The server’s clock was set",
        Cause.OVERLOAD: "Server overloaded",
        Cause.DISK_FULL: "Disk full",
        Cause.DISK_ERROR: "Disk error",
        Cause.RECORDER_CRASHED: "Recorder crashed",
        Cause.SERVER_DOWN: "Server was down",
        Cause.PRUNED: "Removed by the retention policy",
        Cause.DELETED: "Deleted by a person",
        Cause.MISSING: "File missing or altered",
        Cause.UNKNOWN: "Cause unknown",
    },
    classes={
        CauseClass.ADMINISTRATIVE: "Administrative",
        CauseClass.NETWORK: "Network",
        CauseClass.CAMERA: "Camera",
        CauseClass.SERVER: "Server",
        CauseClass.POLICY: "Policy",
    },
    categories={
        "recorded": "Recorded",
        "network": "Network",
        "camera": "Camera",
        "server": "Server",
        "planned": "Planned",
        "administrative": "Administrative",
        "absent": "Not set up",
        "removed": "No longer there",
    },
    details={
        "reason": "reason",
        "error": "error",
        "message": "message",
        "order": "order",
        "letter": "letter",
        "policy": "policy",
        "by": "by",
        "user": "by",
        "person": "by",
        "attempts": "attempts",
        "exit_code": "exit code",
        "signal": "signal",
        "path": "file",
        "lost_frames": "frames lost",
        "step_s": "step (s)",
        "segments": "segments",
        "bytes": "bytes",
    },
    report={
        "title": "Gap report",
        "subtitle": "Every second of the period is recorded, or is a gap with a stated cause.",
        "period": "Period",
        "known_until": "Known until",
        "made": "Made",
        "made_by": "Made by",
        "zone": "Times",
        "zone_text": "{zone} ({offset}); UTC beside it",
        "zone_utc": "UTC",
        "filters": "Filters",
        "no_filter": "none: all cameras, all causes",
        "filter_camera": "cameras {value}",
        "filter_group": "label {value}",
        "filter_cause": "causes {value}",
        "filter_class": "classes {value}",
        "filter_effect": "Recorded and required time are of the whole period; only gaps of these causes are listed.",
        "folding": "Folding",
        "not_folded": "none: gaps of any length are listed",
        "folded": (
            "gaps shorter than {length} count as footage in the list: {gaps}, {missing} in all;"
            " the figures of coverage have them"
        ),
        "folding_to": "gaps shorter than {length} count as footage; how many is said at the end",
        "camera": "Camera",
        "cameras": "Cameras",
        "camera_id": "Id",
        "labels": "Labels",
        "start": "Start",
        "end": "End",
        "length": "Length",
        "cause": "Cause",
        "class": "Class",
        "detail": "Detail",
        "gap": "gap",
        "gaps": "Gaps",
        "missing": "Missing",
        "longest": "Longest",
        "recorded": "Recorded",
        "required": "Required",
        "coverage": "Coverage",
        "outages": "Outages",
        "mtbf": "Mean time between outages",
        "mttr": "Mean length of an outage",
        "planned": "Planned",
        "administrative": "Administrative",
        "removed": "No longer there",
        "not_recorded": "Not recorded",
        "no_longer_there": "No longer there",
        "not_required": "Not required",
        "not_known_yet": "Not known yet",
        "asked": "Asked for",
        "clock": "Clock",
        "step": (
            "The server’s clock was set from {at} to {to}, while {cameras} cameras were recorded;"
            " set back, it leads through a time that is recorded twice"
        ),
        "more_steps": "and {count} more times",
        "still_open": "still open at {time}",
        "no_gaps": "No gap in this period.",
        "summary": "Summary",
        "by_cause": "By cause",
        "by_class": "By class",
        "total": "Total",
        "share": "Share",
        "picture": "Coverage, hour by hour",
        "picture_text": (
            "A row a day of the display zone, a column an hour. The fill is the share recorded;"
            " the colour of the rest is the class of cause with the longest part in it."
        ),
        "not_known": "not known yet",
        "more_gaps": "{count} more gaps of this camera are not printed here; the CSV and JSON reports have all.",
        "more_cameras": (
            "{count} more cameras are not printed here; choose fewer, or take the CSV or JSON report, which have all."
        ),
        "definition": (
            "Coverage is recorded time divided by required time. Required is what was recorded and what was missing "
            "through network, camera or server. Planned time (maintenance, schedule), administrative time (order, "
            "camera not set up) and footage removed later are outside it and shown apart. "
            "A gap’s cause is the one in force at that time; times are those of the server’s clock, "
            "exact to the microsecond."
        ),
        "page": "Page {page} of {pages}",
        "server": "nvr {version}",
    },
    alerts={
        "opened": "nvr: {what}",
        "changed": "nvr: now {what}",
        "parted": "nvr: {what}",
        "resolved": "nvr: over: {what}",
        "closed": "nvr: closed: {what}",
        "camera_down": "Camera {name} is not being recorded",
        "camera_down_over": "camera {name} is being recorded again",
        "camera_down_left": "camera {name} need not be recorded any more",
        "cameras_down": "{down} of {of} cameras are not being recorded ({subject})",
        "cameras_down_over": "all {count} cameras are being recorded again ({subject})",
        "cameras_down_mixed": (
            "{back} of {count} cameras are being recorded again, {left} need not be any more ({subject})"
        ),
        "cameras_down_left": "{left} cameras need not be recorded any more ({subject})",
        "cameras_down_parted": "{back} of {all} cameras are being recorded again, still not: {down} ({subject})",
        "disk_low": "Footage disk {subject} is nearly full: {free} free, the floor is {floor}",
        "root_absent": "Footage disk {subject} is not there",
        "sync_late": (
            "Footage disk {subject} is slow to sync: a power cut could cost up to {worst} of footage,"
            " at most {limit} was promised"
        ),
        "held_beyond": (
            "Legal holds keep {beyond} more than max_bytes allows: {cams}; nothing newer is deleted for that"
        ),
        "promise_at_risk": "{cams} will not keep the promised minimum age, from {from} on",
        "clock_unsynchronised": "The server’s clock is not synchronised",
        "recorded_little": "recorded for less than {percent} % of what they should have been in the last hour: {cams}",
        "frames_lost": "{cams} lost frames in the last hour",
        "time_stamps_off": "wrong time stamps in the last hour: {cams}",
        "keyframes_apart": "keyframes much further apart than the day before: {cams}",
        "login_refused": (
            "Camera {name} refuses its password (refused {failures} × so far);"
            " it is tried again from {next} on, or when somebody asks for it"
        ),
        "certificate_changed": (
            "Camera {name} shows another certificate than before and is not recorded until somebody accepts it"
        ),
        "deletion_waiting": (
            "Deletions wait for a person: {subject}{reason}; {hours} h of footage of {cameras} cameras."
            " Nothing of it goes until somebody confirms: nvr retention confirm {subject}"
        ),
        "disk_low_over": "footage disk {subject} is no longer nearly full",
        "root_absent_over": "footage disk {subject} is there again",
        "sync_late_over": "footage disk {subject} is synced in time again",
        "held_beyond_over": "legal holds keep no more than max_bytes allows",
        "promise_at_risk_over": "all cameras will keep their minimum age",
        "clock_unsynchronised_over": "the server’s clock is synchronised again",
        "recorded_little_over": "no camera was recorded too little in the last hour",
        "frames_lost_over": "no camera lost many frames in the last hour",
        "time_stamps_off_over": "no camera’s time stamps were wrong in the last hour",
        "keyframes_apart_over": "no camera’s keyframes are unusually far apart any more",
        "login_refused_over": "camera {name}: its password is not refused any more",
        "certificate_changed_over": "camera {name} no longer shows an unknown certificate",
        "deletion_waiting_over": "no deletions wait for {subject} any more",
        "tampered_over": "what the server keeps ({subject}) is as it should be again",
        "tampered": (
            "What the server keeps ({subject}) was changed behind its back."
            " Somebody must look: nvr audit verify, nvr check"
        ),
        "test": "This is a test: messages about alerts arrive here",
        "fleet": "all cameras",
        "since": "Since: {time}",
        "until": "Over at: {time}, after {length}",
        "parted_at": "As of: {time}, after {length}",
        "ended": "Why: {causes}",
        "was_about": "It was about:",
        "one_camera": "{count} camera",
        "many_cameras": "{count} cameras",
        "footage": "Last recorded: {time}",
        "flaps": "Happened again within an hour of its end: {count} ×.",
        "causes": "Causes: {causes}",
        "cameras": "Cameras:",
        "more": "and {count} more",
        "still": "Still not being recorded; from now on each is an alert of its own:",
        "down_since": "since {time}",
        "back": "recorded again at {time}",
        "left": "need not be recorded since {time}",
        "late": "This message is {length} late: it could not be delivered before.",
        "dropped": (
            "{count} earlier messages could not be delivered and were dropped. The alerts page shows everything."
        ),
        "id": "Alert {id}",
    },
)
