// English. Its type is the dictionary every other language must fill; a missing key there is a type error.

import type { CameraState, Cause, DirectiveKind, GapClass, Role } from '../types';

const causes: Record<Cause, string> = {
  disabled: 'Switched off by order',
  maintenance: 'Planned maintenance',
  schedule: 'Outside its recording schedule',
  not_configured: 'Camera not set up',
  unreachable: 'Camera unreachable',
  unauthorized: 'Camera refused the password',
  rejected: 'Camera refused the connection',
  stalled: 'Connected, but no picture arrived',
  ended: 'Camera closed the connection',
  corrupt: 'Picture damaged on the way',
  clock_step: 'The server’s clock was set',
  overload: 'Server overloaded',
  disk_full: 'Disk full',
  disk_error: 'Disk error',
  recorder_crashed: 'Recorder crashed',
  server_down: 'Server was down',
  pruned: 'Removed by the retention policy',
  deleted: 'Deleted by a person',
  missing: 'File missing or altered',
  unknown: 'Cause unknown',
};

const classes: Record<GapClass, string> = {
  administrative: 'Administrative',
  network: 'Network',
  camera: 'Camera',
  server: 'Server',
  policy: 'Policy',
  unknown: 'Unknown',
};

const states: Record<CameraState, string> = {
  recording: 'Recording',
  waiting: 'Not recording',
  off: 'Off',
};

const roles: Record<Role, string> = {
  viewer: 'Viewer',
  investigator: 'Investigator',
  admin: 'Administrator',
};

const roleHints: Record<Role, string> = {
  viewer: 'watches live and recorded pictures',
  investigator: 'also saves clips and reads gap reports',
  admin: 'may do everything',
};

/** By the `code` of a problem. A code that is not here is shown with the server's own words. */
const errors: Record<string, string> = {
  invalid_request: 'The server did not understand this.',
  missing_parameter: 'Something is missing.',
  invalid_parameter: 'A value is not possible.',
  naive_time: 'A time has no zone.',
  invalid_time: 'A time could not be read.',
  time_out_of_range: 'The time lies too far from today.',
  empty_range: 'The end must be after the start.',
  range_too_long: 'The range is too long.',
  invalid_camera: 'A setting of the camera is not possible.',
  invalid_account: 'This name cannot be used.',
  invalid_selection: 'These cameras cannot be chosen.',
  invalid_directive: 'This cannot be entered like that.',
  invalid_attachment: 'This file cannot be kept.',
  invalid_table: 'The table has mistakes; nothing was changed.',
  invalid_cut: 'The public view cannot be changed like that.',
  plan_changed: 'The order or its cameras have changed since the dry run. Look at it again.',
  directive_not_found: 'There is no such entry (any more).',
  attachment_not_found: 'There is no such file.',
  public_off: 'This server has no public page.',
  weak_password: 'The password cannot be used.',
  bad_credentials: 'The user name or the password is wrong.',
  not_authenticated: 'You are not logged in.',
  forbidden: 'Your role does not allow this.',
  cross_origin: 'The browser did not send this from the server’s own page.',
  not_found: 'There is no such thing here.',
  camera_not_found: 'There is no camera with this id.',
  account_not_found: 'There is no such user or token (any more).',
  segment_not_found: 'This footage is not there any more.',
  invalid_case: 'Something is missing: a case needs a number and a legal basis, a request cameras, a range and a purpose, a refusal a reason.',
  case_exists: 'A case with this number exists already.',
  alert_not_found: 'There is no such alert.',
  case_not_found: 'There is no such case.',
  case_closed: 'The case is closed.',
  case_undecided: 'Requests of this case wait for a decision.',
  request_not_found: 'There is no such request.',
  request_decided: 'The request has been decided already.',
  second_person_needed: 'Somebody else than who asked must approve.',
  not_your_request: 'Only who asked can withdraw a request.',
  no_footage: 'There is no footage in this range.',
  several_inits: 'The picture format changed inside this range, so it comes as several clips.',
  provisioned: 'This camera comes from config.toml and is changed there.',
  camera_exists: 'A camera with this id exists already.',
  user_exists: 'A user with this name exists already.',
  last_admin: 'The only administrator cannot be removed.',
  too_large: 'This is too large.',
  internal: 'The server made a mistake.',
  catalogue_unavailable: 'The server cannot read its catalogue at the moment.',
  busy: 'The server is busy with other reports. Please try again shortly.',
};

const en = {
  languageName: 'English',
  appTagline: 'Recording server',
  skipToContent: 'Skip to the content',
  loading: 'Loading …',
  retry: 'Try again',
  cancel: 'Cancel',
  close: 'Close',
  save: 'Save',
  remove: 'Remove',
  edit: 'Edit',
  none: 'none',
  language: 'Language',
  offline: 'The server does not answer. The page tries again by itself.',
  requestFailed: (status: number) => `The server answered with error ${status}.`,
  tooMany: 'Too many attempts. Please wait a moment.',
  tooManyFor: (wait: string) => `Too many attempts. Please try again in ${wait}.`,

  nav: {
    main: 'Main menu', cameras: 'Cameras', gaps: 'Gap report', alerts: 'Alerts', orders: 'Orders', cases: 'Cases', adminCameras: 'Set up cameras', users: 'Users', tokens: 'API tokens', audit: 'Audit log',
    account: 'My account', logout: 'Log out',
  },

  login: {
    title: 'Log in', user: 'User name', password: 'Password', submit: 'Log in',
    expired: 'Your session has ended. Please log in again.',
    missing: 'Please fill in the user name and the password.',
  },

  cameras: {
    title: 'Cameras', search: 'Search', searchHint: 'Name, id or label', state: 'State', all: 'All',
    onlyRecording: 'Recording', onlyNot: 'Not recording',
    counts: (recording: string, not: string) => `${recording} recording, ${not} not recording`,
    shown: (shown: string, all: string) => `${shown} of ${all} cameras`,
    empty: 'No cameras yet.', emptyAdmin: 'Add the first camera', noMatch: 'No camera matches.',
    since: (time: string) => `since ${time}`, recordedUntil: (time: string) => `recorded until ${time}`,
    neverRecorded: 'nothing recorded yet', noPicture: 'No picture', asOf: (time: string) => `As of ${time}`,
    snapshotOf: (name: string) => `Last picture of ${name}`, noCause: 'No word from the recorder',
  },

  camera: {
    back: 'All cameras', notFound: 'There is no camera with this id.', removed: 'This camera was removed. What was recorded of it can still be watched.',
    live: 'Live', goLive: 'Go to live', play: 'Play', pause: 'Pause',
    back10: 'Back 10 seconds', forward10: 'Forward 10 seconds', frameBack: 'Previous frame', frameForward: 'Next frame',
    speed: 'Speed', mute: 'Sound off', unmute: 'Sound on', fullscreen: 'Full screen', snapshot: 'Save picture',
    latency: (seconds: string) => `${seconds} behind`, connecting: 'Connecting …', loadingFootage: 'Loading footage …',
    noLive: 'No live picture', liveReturns: 'The live picture returns by itself as soon as the camera does.',
    since: (time: string) => `since ${time}`,
    noFootage: 'No footage', nextFootage: 'Go to next footage', lastFootage: 'Go to last footage before',
    noLater: 'There is no later footage.', noEarlier: 'There is no earlier footage.',
    nothingYet: 'Nothing has been recorded of this camera yet.',
    skipped: (length: string, cause: string) => `Skipped ${length} without footage: ${cause}`,
    reachedEnd: 'You have reached the newest footage.', notYet: 'This moment has not come yet, or is not on disk yet.',
    failed: 'The footage could not be played.', liveFailed: 'The live picture could not be played. The page tries again by itself.',
    codec: (name: string) => `This browser cannot show ${name} pictures.`,
    codecHelp: 'Another browser may be able to (Safari, or Chrome or Edge with hardware decoding).',
    codecClip: 'Or save a clip and open it in a video player such as VLC.', saveClipInstead: 'Save a clip of this moment',
    noMse: 'This browser cannot play recorded video.',
    clickToPlay: 'Click to play', player: 'Video player',
    shortcuts: 'Keyboard', shortcutRows: [
      ['Space, K', 'play or pause'], ['← →', '10 seconds back or forward'], ['J, L', '10 seconds back or forward'], [', .', 'previous or next frame'],
      ['< >', 'slower or faster'], ['+ −', 'zoom the timeline'], ['[ ]', 'start or end of the clip here'],
    ] as ReadonlyArray<readonly [string, string]>,
    facts: 'Picture', firstFootage: 'First footage', lastFootageAt: 'Last footage', frames: (n: string) => `${n} frames/s`,
  },

  timeline: {
    label: (day: string) => `Timeline of ${day}`, previousDay: 'Previous day', nextDay: 'Next day', today: 'Today', day: 'Day',
    zoom: 'Zoom', zoomIn: 'Zoom in', zoomOut: 'Zoom out', panLeft: 'Earlier', panRight: 'Later',
    levels: { day: 'Day', h6: '6 h', h1: '1 h', m10: '10 min' },
    footage: 'Footage', unknown: 'Not known yet', covered: (percent: string) => `${percent} recorded`,
    coveredDetail: (recorded: string, missing: string) => `${recorded} recorded, ${missing} missing`,
    noCoverage: 'Nothing is known about this day yet.', coverageFailed: 'The timeline could not be loaded.',
  },

  gapList: {
    title: 'Gaps of the day', none: 'No gaps: every second of this day is recorded.', noneYet: 'No gaps so far today.',
    start: 'Start', end: 'End', duration: 'Length', cause: 'Cause', detail: 'Detail', camera: 'Camera',
    open: (start: string, asOf: string) => `since ${start} (as of ${asOf})`, stillOpen: (asOf: string) => `still open (as of ${asOf})`,
    show: (start: string) => `Show the gap at ${start} in the timeline`,
    more: (n: string) => `Show ${n} more`,
  },

  clip: {
    title: 'Save a clip', from: 'From', to: 'To', zone: (name: string) => `Times in ${name}`,
    fromHere: 'Start here', toHere: 'End here', length: 'Length', footage: 'Footage in it',
    footageOf: (footage: string, percent: string) => `${footage} (${percent})`,
    download: 'Download', checking: 'Checking …', started: (size: string) => `The download has started (${size}).`,
    startedUnsized: 'The download has started.', invalid: 'The end must be after the start.', empty: 'There is no footage in this range.',
    handleStart: 'Start of the clip', handleEnd: 'End of the clip', parts: 'The clips of this range', part: (n: number) => `Clip ${n}`,
    gapsLeftOut: 'Gaps are left out of the clip: its footage plays on without a pause.', clear: 'Clear the range', choose: 'Choose a range',
    hint: 'Choose a range with the handles on the timeline, or type the times.',
  },

  report: {
    title: 'Gap report', from: 'From', to: 'To', cameras: 'Cameras', camerasHint: 'Ids, separated by commas; empty means all',
    group: 'Label', groupHint: 'For example district=Tembalang', cause: 'Cause', anyCause: 'All causes',
    fold: 'Leave out gaps shorter than', foldHint: 'seconds', run: 'Show report', csv: 'Download as CSV',
    totals: 'Totals', gaps: 'Gaps', total: 'Total length', longest: 'Longest', byCause: 'By cause', share: 'Share',
    none: 'No gaps in this range.', asOf: (time: string) => `As of ${time}`,
    folded: (length: string) => `Gaps shorter than ${length} are left out.`,
    last24: 'Last 24 hours', today: 'Today', last7: 'Last 7 days', cameraCount: 'Cameras with gaps',
    shownOf: (shown: string, all: string) => `${shown} of ${all} gaps shown; the CSV file holds all of them.`,
  },

  admin: {
    camerasTitle: 'Set up cameras', addCamera: 'Add a camera', editCamera: (name: string) => `Change ${name}`, id: 'Id',
    idHint: 'Small letters, digits and hyphens; cannot be changed later', idInvalid: 'Use small letters, digits and hyphens; begin with a letter or a digit (at most 63).',
    name: 'Name', url: 'Address (RTSP)', urlHint: 'For example rtsp://192.0.2.10:554/stream1', username: 'Camera user',
    password: 'Camera password', passwordKeep: 'Empty: keep the present one', audio: 'Record sound',
    audioHint: 'Recording sound in public places may be forbidden.', labels: 'Labels', labelsHint: 'One per line, name=value', labelInvalid: (line: string) => `Not a label: “${line}”. Write name=value.`,
    source: 'From', fromFile: 'from config.toml', fromCatalogue: 'added here', removeCamera: (name: string) => `Remove ${name}?`,
    removeCameraText: 'The server stops recording this camera. Its footage and history stay.', required: 'This field is needed.',
    actions: 'Actions',

    usersTitle: 'Users', addUser: 'Add a user', userName: 'User name', role: 'Role', created: 'Created', you: 'you',
    userPassword: 'Password', removeUser: (name: string) => `Remove ${name}?`, removeUserText: 'The user can no longer log in.',
    changePassword: 'Change password', changePasswordOf: (name: string) => `New password for ${name}`, newPassword: 'New password', newPasswordAgain: 'New password again',
    currentPassword: 'Your present password', currentWrong: 'Your present password is wrong.', passwordsDiffer: 'The two new passwords differ.', passwordChanged: 'The password is changed.',

    tokensTitle: 'API tokens', tokensText: 'A token lets a program use the server’s API with a role of its own.', addToken: 'Create a token', tokenName: 'What it is for',
    lastUsed: 'Last used', never: 'never', revoke: 'Revoke', revokeToken: (name: string) => `Revoke “${name}”?`,
    revokeTokenText: 'Programs that use this token lose access at once.', tokenOnce: 'Copy the token now: it is shown only once.', copy: 'Copy', copied: 'Copied', noTokens: 'No tokens.',
    create: 'Create', add: 'Add',
  },

  alerts: {
    title: 'Alerts', none: 'Nothing needs attention.', what: 'What', since: 'Since', until: 'Over', cameras: 'Cameras', state: 'State', all: 'Show those that are over, too',
    open: 'open', flaps: (n: number) => `came back ${n} times`, acknowledge: 'I know of it', acknowledgeTitle: 'Acknowledge the alert', note: 'Note', knows: (who: string) => `${who} knows of it`,
    undelivered: 'Not delivered:', more: (n: string) => `and ${n} more`,
    kinds: {
      camera_down: (subject: string) => `${subject} is not being recorded`, cameras_down: (subject: string, n: string) => `${n} cameras are not being recorded (${subject || 'all cameras'})`,
      disk_low: (subject: string) => `Footage disk ${subject} is nearly full`, root_absent: (subject: string) => `Footage disk ${subject} is not there`,
      promise_at_risk: (_: string, n: string) => `${n} cameras will not keep their minimum age`, clock_unsynchronised: () => 'The server’s clock is not synchronised',
    } as Record<string, (subject: string, n: string) => string>,
  },

  cases: {
    title: 'Cases', text: 'Footage is asked for in a case. What is asked for is held at once: no rule deletes it until somebody releases it.',
    secondPerson: 'Somebody else than who asked must approve.', open: 'Open a case', none: 'No cases yet.', noRequests: 'Nothing has been asked for in this case yet.',
    number: 'Case number', numberHint: 'as the authority writes it', legalBasis: 'Legal basis', legalBasisHint: 'the law, the letter', caseTitle: 'Title',
    openedBy: (who: string) => `opened by ${who}`, closedBy: (who: string) => `closed by ${who}`,
    ask: 'Ask for footage', askIn: (number: string) => `Ask for footage in ${number}`, heldAtOnce: 'The footage is held from the moment you ask.',
    cameras: 'Cameras', camerasHint: 'Ids, separated by commas', from: 'From', to: 'To', purpose: 'Purpose', requester: 'Asked by', state: 'State', reason: 'Reason',
    approve: 'Approve', refuse: 'Refuse', withdraw: 'Withdraw', close: 'Close the case', release: 'Release the holds too', releaseHint: 'The footage then follows the rules of retention again.',
    states: { asked: 'Waits for a decision', approved: 'Approved', refused: 'Refused', withdrawn: 'Withdrawn' } as Record<string, string>,
  },

  audit: {
    title: 'Audit log', text: 'Who did what, when and from where. Entries are only ever added; each is sealed by the one before it.',
    number: 'Number', time: 'Time', actor: 'Who', address: 'From', action: 'What', camera: 'Camera', detail: 'Detail', anyAction: 'Everything',
    show: 'Show', more: 'Show earlier entries', verify: 'Verify the log', head: 'Compare with a noted head',
    headHint: 'number:hash, from an export or the server’s log; shows whether the end was cut off',
    whole: (n: string) => `The log is whole: all ${n} entries are as they were written.`, notWhole: (n: string) => `The log is NOT whole: ${n} faults.`,
    fault: (seq: number, kind: string) => `Entry ${seq}: ${kind}`, headNow: 'Head now, to be noted elsewhere:',
    kinds: { changed: 'changed', removed: 'entries before it were taken out', cut: 'entries at the end were cut off', replaced: 'not the entry that was noted' } as Record<string, string>,
    actions: {
      logged_in: 'Logged in', login_failed: 'Failed login', logged_out: 'Logged out', refused: 'Refused', live: 'Watched live', playback: 'Watched footage',
      footage: 'Read footage', snapshot: 'Looked at a picture', clip: 'Saved a clip', hold_placed: 'Placed a hold', hold_released: 'Released a hold',
      case_opened: 'Opened a case', case_closed: 'Closed a case', request_made: 'Asked for footage', request_approved: 'Approved a request',
      request_refused: 'Refused a request', request_withdrawn: 'Withdrew a request',
      alert_acknowledged: 'Acknowledged an alert',
      camera_added: 'Added a camera', camera_changed: 'Changed a camera', camera_removed: 'Removed a camera', footage_deleted: 'Deleted footage',
      user_added: 'Added a user', user_removed: 'Removed a user', password_set: 'Set a password', token_made: 'Created a token', token_removed: 'Revoked a token',
      configuration_read: 'Configuration read', server_started: 'Server started', server_stopped: 'Server stopped', audit_read: 'Read the audit log',
    } as Record<string, string>,
  },

  orders: {
    title: 'Orders, maintenance, schedules', text: 'What people decided about recording. Each is a stated cause in the gaps it makes, and is revoked, never deleted.',
    kinds: { order: 'Orders', maintenance: 'Maintenance windows', schedule: 'Recording schedules' } as Record<DirectiveKind, string>,
    kindTexts: {
      order: 'Cameras under an order are not connected to until it is revoked.',
      maintenance: 'Recording goes on if it can; a gap within the window is attributed to it.',
      schedule: 'Outside their hours the cameras are not connected to.',
    } as Record<DirectiveKind, string>,
    none: { order: 'No orders.', maintenance: 'No maintenance windows.', schedule: 'No schedules.' } as Record<DirectiveKind, string>,
    add: { order: 'New order', maintenance: 'New window', schedule: 'New schedule' } as Record<DirectiveKind, string>,
    states: { planned: 'planned', in_force: 'in force', ended: 'over' } as Record<string, string>, overdue: 'past its expected end',
    letter: 'Letter number', letterDate: 'Date of the letter', reason: 'Reason', approver: 'Signed by', start: 'From', end: 'To', now: 'now',
    startHint: 'Empty: as soon as it is confirmed. May lie in the past.', expectedEnd: 'Expected end', expectedEndHint: 'Ends nothing by itself',
    localCopy: 'Local copy may exist until', attachment: 'Signed letter (file)', hours: 'Hours', hoursHint: 'For example mon-fri 06:00-22:00, sat 08:00-14:00',
    state: 'State', cameras: 'Cameras', camerasOf: (left: string, all: string) => `${left} of ${all}`, untilRevoked: 'until revoked',
    choose: 'Cameras', byLabel: 'by label', byId: 'by id', byList: 'by a CSV list', where: 'Labels', whereHint: 'For example district=Tembalang,isp=Telkom; * for all',
    ids: 'Ids', idsHint: 'Separated by commas', list: 'CSV file', listHint: 'One camera id in each line',
    dryRun: 'Dry run', dryRunTitle: 'What this order does', confirm: 'Enter this order', back: 'Change it', enter: 'Enter',
    chosen: (n: string) => `${n} cameras`, disabledBefore: (n: string) => `${n} of them are off by another order already`,
    lost: 'Coverage lost', lostHours: (hours: string, until: string) => `${hours} camera-hours until ${until}`, lostDay: (hours: string) => `${hours} camera-hours a day (no expected end)`,
    holds: 'Legal holds touched', cases: 'Open cases touched', saved: 'Bandwidth saved',
    savedOf: (mbit: string, measured: string, recording: string) => `${mbit} Mbit/s, measured on ${measured} of ${recording} cameras that record now`,
    cost: 'Cost saved', costOf: (month: string) => `Rp ${month} a month`, costUntil: (sum: string) => `Rp ${sum} until the expected end`, more: (n: string) => `and ${n} more`,
    revoke: 'Revoke', endIt: 'End', revokeTitle: (name: string) => `Revoke ${name}`, revokeText: 'The cameras are recorded again at once. The entry stays and links to this revocation.',
    revokeFor: 'For', revokeAll: 'all cameras that are left', revokeSome: 'some cameras, by label', revocations: 'Revoked',
    revokedFor: (n: string, by: string) => `${n} cameras, by ${by}`, file: 'File', enteredBy: 'entered by', missing: 'This is needed.',
  },

  importing: {
    title: 'Cameras by CSV', open: 'CSV import and export', export: 'Download as CSV', exportPasswords: 'Download with passwords',
    passwordsWarning: 'That file holds the cameras’ passwords: whoever has it has the cameras.', file: 'CSV file', fileHint: 'The first line names the columns; begin with a download.',
    check: 'Check', run: 'Import', added: (n: string) => `${n} added`, changed: (n: string) => `${n} changed`, unchanged: (n: string) => `${n} unchanged`,
    would: 'This would happen:', done: 'Done:', mistakes: (n: string) => `${n} mistakes; nothing was changed`, place: 'Where', what: 'What is wrong',
  },

  publicView: {
    title: 'Public cameras', loading: 'Loading …', off: 'There is no public page here at the moment.', none: 'No public cameras at the moment.', search: 'Search', searchHint: 'Name or district',
    since: (time: string) => `since ${time}`, letter: (letter: string) => `Letter no. ${letter}`, expected: (time: string) => `expected until ${time}`,
    pictureAt: (time: string) => `Picture of ${time}`, noPicture: 'No picture', asOf: (time: string) => `As of ${time}`, late: 'No new answer from the server; this is what it said last.',
    states: {
      recording: 'Working', disabled: 'Switched off by order', maintenance: 'Maintenance', schedule: 'Outside its hours', privacy: 'Closed for privacy',
      setup: 'Being set up', network: 'Not connected', camera: 'Faulty', server: 'Server fault',
    } as Record<string, string>,
    counts: (working: string, all: string) => `${working} of ${all} cameras are working`,
    cut: 'Cut the public view', cutText: 'Citizens no longer see this camera’s picture, at once. Recording goes on.', restore: 'Show it to citizens again', reason: 'Reason',
    isCut: (by: string, reason: string) => `Public view cut by ${by}: ${reason}`, isPublic: 'Citizens see this camera', isStatus: 'Citizens see this camera’s status',
  },

  account: { title: 'My account', user: 'User', role: 'Role', version: 'Server version', zone: 'Display zone' },

  detailKeys: {
    reason: 'reason', error: 'error', message: 'message', order: 'order', letter: 'letter', policy: 'policy', by: 'by', user: 'by',
    original_cause: 'before', letter_date: 'of', approver: 'signed by', expected_end: 'expected end', local_copy_until: 'local copy until', entered: 'entered', hours: 'hours', zone: 'zone',
    also: 'also', maintenance: 'window', schedule: 'schedule', person: 'by', attempts: 'attempts', exit_code: 'exit code', signal: 'signal', path: 'file', step_s: 'step (s)',
  } as Record<string, string>,

  causes, classes, states, roles, roleHints, errors,
};

export default en;
export type Words = typeof en;
