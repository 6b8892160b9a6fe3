// The server's answers, exactly as the HTTP contract in docs/design/architecture.md words them.
// Times are ISO 8601 strings here; `time/instant.ts` turns them into numbers.

export type Role = 'viewer' | 'investigator' | 'admin';

export const CAUSES = [
  'disabled',
  'maintenance',
  'schedule',
  'not_configured',
  'unreachable',
  'unauthorized',
  'rejected',
  'stalled',
  'ended',
  'corrupt',
  'clock_step',
  'overload',
  'disk_full',
  'disk_error',
  'recorder_crashed',
  'server_down',
  'pruned',
  'deleted',
  'missing',
  'unknown',
] as const;
export type Cause = (typeof CAUSES)[number];

export const GAP_CLASSES = ['administrative', 'network', 'camera', 'server', 'policy', 'unknown'] as const;
export type GapClass = (typeof GAP_CLASSES)[number];

export interface Me {
  user: string;
  role: Role;
  zone: string;
  version: string;
  time: string;
  must_change_password: boolean;
}

export type CameraState = 'recording' | 'waiting' | 'off';

/** A detail is free text from the recorder or named values (order number, policy, person). */
export type Detail = string | Record<string, unknown> | null;

export interface CameraStatus {
  state: CameraState;
  since: string | null;
  cause: Cause | null;
  detail: Detail;
  recorded_until: string | null;
  codec: string | null;
  width: number | null;
  height: number | null;
  bitrate_bps: number | null;
  frame_rate: number | null;
  /** Seconds that the camera's own clock was ahead of the recorder's when last heard; negative is behind. */
  clock_offset_s: number | null;
  counters: Record<string, number>;
}

export interface Camera {
  id: string;
  name: string;
  labels: Record<string, string>;
  audio: boolean;
  source: 'file' | 'catalogue';
  /** Only admins get it, with the password taken out. */
  url?: string;
  /** Only admins get these: priority and rules of its own, worded as in the configuration file. */
  priority?: number;
  expected_interval?: string | null;
  max_age?: string | null;
  min_age?: string | null;
  max_bytes?: string | null;
  status: CameraStatus;
  first_footage: string | null;
  last_footage: string | null;
}

export interface CameraList {
  as_of: string;
  cameras: Camera[];
}

export interface Span {
  start: string;
  end: string;
}

export interface Gap {
  start: string;
  end: string;
  open: boolean;
  duration_s: number;
  cause: Cause;
  class: GapClass;
  detail: Detail;
  fact: { kind: string; start: string } | null;
}

export interface Coverage {
  camera: string;
  start: string;
  end: string;
  as_of: string;
  recorded_s: number;
  missing_s: number;
  not_recorded_s: number;
  no_longer_there_s: number;
  not_required_s: number;
  not_known_s: number;
  spans: Span[];
  gaps: Gap[];
}

export interface ReportGap extends Gap {
  camera: string;
  name: string;
}

export interface KindTally {
  cause: string;
  class: string;
  gaps: number;
  missing_s: number;
}
export interface Tally {
  gaps: number;
  missing_s: number;
}

export interface GapReport {
  start: string;
  end: string;
  as_of: string;
  fold_s: number;
  filters: Record<string, unknown>;
  gaps: ReportGap[];
  /** How many gaps are not listed; they are in the sums. */
  omitted: number;
  total: {
    cameras: number;
    asked_s: number;
    recorded_s: number;
    not_recorded_s: number;
    no_longer_there_s: number;
    not_required_s: number;
    not_known_s: number;
    gaps: number;
    missing_s: number;
    longest_s: number;
    folded: Tally;
    by_cause: Record<string, Tally>;
    by_class: Record<string, Tally>;
    by_kind: KindTally[];
  };
}

/** Seconds. `coverage` is recorded ÷ required, null where nothing was required. */
export interface Figures {
  coverage: number | null;
  asked_s: number;
  recorded_s: number;
  not_recorded_s: number;
  no_longer_there_s: number;
  not_required_s: number;
  not_known_s: number;
  required_s: number;
  missing_s: number;
  by_class: { network: number; camera: number; server: number };
  planned_s: number;
  administrative_s: number;
  absent_s: number;
  removed_s: number;
  outages: number;
  longest_s: number;
  mtbf_s: number | null;
  mttr_s: number | null;
}

/** Of a camera, of a label's value (null: without the label), or of a time. */
export interface FigureGroup extends Figures {
  camera?: string;
  name?: string;
  value?: string | null;
  cameras?: number;
  start?: string;
  end?: string;
}

export interface CoverageReport {
  start: string;
  end: string;
  as_of: string;
  by: string;
  zone: string;
  cameras: number;
  total: Figures;
  groups: FigureGroup[];
}

export interface Outage {
  camera: string;
  name: string;
  labels: Record<string, string>;
  since: string;
  at_least: boolean;
  duration_s: number;
  /** Null if its recorder does not report. */
  cause: Cause | null;
  class: GapClass;
  detail: Detail;
}

export interface OutageList {
  as_of: string;
  cameras: number;
  outages: Outage[];
}

export interface NetworkRow {
  group: string | null;
  start: string;
  end: string;
  cameras: number;
  recorded_s: number;
  bytes: number;
  received_bytes: number;
  bitrate_bps: number | null;
  carried_bps: number;
  packets: number;
  lost_packets: number;
  /** From 0 to 1. */
  loss: number | null;
  damaged: number;
  undecodable: number;
  reconnects: number;
  jitter_us: number | null;
  jitter_most_us: number | null;
  lost_frames: number;
  time_faults: number;
  keyframe_most_us: number | null;
}

export interface NetworkReport {
  start: string;
  end: string;
  as_of: string;
  by: string;
  step: 'total' | 'day' | 'hour';
  where: string;
  zone: string;
  rows: NetworkRow[];
}

export interface PlanFigures {
  cameras: number;
  measured: number;
  unknown: number;
  bitrate_bps: number;
  bytes_a_day: number;
  disk_bytes: number;
  disk_days: number | null;
  uplink_mbit_per_s: number;
  cost_a_month: number | null;
}

export interface CapacityPlan {
  as_of: string;
  where: string;
  days: number;
  overhead: number;
  price_per_mbit: number | null;
  capacity_bytes: number | null;
  now: PlanFigures | null;
  planned: PlanFigures;
}

export type DirectiveKind = 'order' | 'maintenance' | 'schedule';

/** Which cameras: by a label query, by ids, or by the text of a CSV list. One of them. */
export interface Choice {
  where?: string;
  cameras?: string[];
  csv?: string;
}

export interface Revocation {
  id: string;
  reason: string;
  letter: string | null;
  letter_date: string | null;
  approver: string | null;
  start: string;
  cameras: number;
  entered_by: string;
  entered: string;
}

export interface Directive {
  id: string;
  kind: DirectiveKind;
  state: 'planned' | 'in_force' | 'ended';
  reason: string;
  start: string;
  end: string | null;
  selection: string;
  cameras: number;
  left: number;
  entered_by: string;
  entered: string;
  letter?: string;
  letter_date?: string;
  approver?: string;
  expected_end?: string;
  overdue?: boolean;
  local_copy_until?: string;
  hours?: string;
  zone?: string;
  attachment?: string;
  attachment_name?: string;
  revocations: Revocation[];
  members?: Array<{ camera: string; revocation: string | null }>;
}

export interface OrderDraft extends Choice {
  letter: string;
  reason: string;
  approver: string;
  letter_date?: string;
  start?: string;
  expected_end?: string;
  local_copy_until?: string;
  attachment?: string;
  attachment_name?: string;
}

export interface OrderPreview {
  plan_hash: string;
  cameras: string[];
  start: string;
  until: string | null;
  camera_hours: number | null;
  camera_hours_a_day: number;
  disabled_before: number;
  other_orders: string[];
  holds: Array<{ id: string; camera: string; reason: string }>;
  cases: Array<{ id: string; number: string }>;
  recording: number;
  measured: number;
  unknown: number;
  mbit_per_s: number | null;
  uplink_mbit_per_s: number | null;
  cost_a_month: number | null;
  cost_saved: number | null;
}

export interface RevocationDraft {
  reason: string;
  letter?: string;
  letter_date?: string;
  approver?: string;
  cameras?: string[];
  where?: string;
}

export interface Imported {
  dry_run: boolean;
  added: string[];
  changed: Record<string, string[]>;
  unchanged: number;
}

export interface PublicCamera {
  id: string;
  name: string;
  district: string | null;
  state: string;
  since: string | null;
  text: { id: string; en: string };
  order: { letter: string; letter_date: string | null; expected_end: string | null } | null;
  picture: string | null;
  picture_time: string | null;
}

export interface PublicCameras {
  as_of: string;
  zone: string;
  cameras: PublicCamera[];
}

export interface CameraDraft {
  id?: string;
  name?: string;
  url?: string;
  username?: string;
  password?: string;
  audio?: boolean;
  labels?: Record<string, string>;
  priority?: number;
  max_age?: string | null;
  min_age?: string | null;
  max_bytes?: string | null;
}

export interface User {
  id: string;
  name: string;
  role: Role;
  created: string | null;
  made_by: string | null;
}

export interface Token {
  id: string;
  name: string;
  role: Role;
  created: string | null;
  last_used: string | null;
  /** Whose it is; null: nobody’s in particular. */
  user: string | null;
  /** Null: not known. */
  made_by: string | null;
}

export interface NewToken {
  id: string;
  name: string;
  role: Role;
  token: string;
}

export interface AlertMember {
  camera: string;
  since: string;
  /** Null while it is down. */
  well: string | null;
  required: boolean;
}

/** How it goes with one who gets messages. Who it is, and errors, are for administrators. */
export interface Recipient {
  channel: string;
  recipient: string | null;
  waiting: number;
  failing_since: string | null;
  error: string | null;
  accepted: string | null;
  dropped: number;
}

export interface Alert {
  id: string;
  kind: string;
  subject: string;
  since: string;
  opened: string;
  resolved: string | null;
  flaps: number;
  cameras: string[];
  members: AlertMember[];
  detail: Record<string, unknown>;
  acknowledged: string | null;
  acknowledged_by: string | null;
  note: string | null;
  undelivered: string[];
}

export interface FootageRequest {
  id: string;
  case: string;
  cameras: string[];
  start: string;
  end: string;
  purpose: string;
  state: 'asked' | 'approved' | 'refused' | 'withdrawn';
  requester: string;
  /** Whoever reads this made it. */
  mine: boolean;
  decided_by: string | null;
  decision: string | null;
  export: string | null;
}

export interface Case {
  id: string;
  number: string;
  legal_basis: string;
  title: string;
  opened_by: string;
  opened: string;
  closed: string | null;
  closed_by: string | null;
  close_reason: string | null;
  requests: FootageRequest[];
}

export interface Export {
  id: string;
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled' | 'expired';
  cameras: string[];
  start: string;
  end: string;
  case: string;
  legal_basis: string;
  purpose: string;
  requester: string;
  approver: string;
  requested_by: string;
  requested: string;
  total_bytes: number | null;
  done_bytes: number;
  reason: string | null;
  warnings: string[];
  bytes: number | null;
  download: string | null;
  /** Whether it is for whoever asks; only they are told its address and links. */
  may_download: boolean;
  /** Of the texts above, those that are only somebody’s words, and whose. */
  stated_by: Partial<Record<'case' | 'legal_basis' | 'purpose' | 'requester' | 'approver' | 'operator', string>>;
  links: ExportLink[];
  /** When it is expected to begin, while its range is not over. */
  begins: string | null;
  /** What reading its package back has found; null: it never was. */
  checked: { at: string; outcome: 'good' | 'partly' | 'wrong'; details: string[] } | null;
}

/** A link by which one recipient fetches an export. */
export interface ExportLink {
  id: string;
  recipient: string;
  made_by: string;
  made: string;
  until: string;
  state: 'valid' | 'over' | 'revoked' | 'ended';
  openings: number;
  downloads: number;
  used: string | null;
  revoked: string | null;
  revoked_by: string | null;
}

/** `path` is its address on this server, told this once. */
export interface NewLink extends ExportLink {
  path: string;
}

/** What a recipient is told who opens a link. */
export interface OpenedLink {
  recipient: string;
  until: string;
  cameras: Array<{ id: string; name: string }>;
  start: string;
  end: string;
  case: string;
  name: string;
  bytes: number;
  download: string;
  server: string;
  zone: string;
}

export interface Certificate {
  certificate_sha256: string;
  subject: string;
  current: boolean;
}

/** One entry of the audit log; `detail` is JSON as it is kept. */
export interface AuditEntry {
  seq: number;
  time: string;
  actor: string;
  address: string;
  action: string;
  camera: string | null;
  detail: string;
}

export interface AuditLog {
  head: string;
  entries: AuditEntry[];
  before: number | null;
}

export interface AuditVerdict {
  whole: boolean;
  state: 'whole' | 'consistent' | 'tampered';
  noted: string;
  entries: number;
  head: string;
  faults: Array<{ seq: number; kind: string; detail: string }>;
}

/** One of the clips that a range falls into when the camera's picture parameters changed inside it. */
export interface ClipPart {
  start: string;
  end: string;
  url: string;
}

export interface Problem {
  type?: string;
  title?: string;
  status: number;
  detail?: string;
  instance?: string;
  code?: string;
  parts?: ClipPart[];
  /** What is wrong, place by place: the lines of a table. */
  errors?: Array<{ field: string; message: string }>;
  archive?: string;
  so_far?: ClipPart | null;
  retry_at?: string;
  /** Seconds, from the Retry-After header. */
  retry_after_s?: number;
}

/** An address by which another player watches one camera; `start` null: live. */
export interface PlayerAddress {
  id: string;
  camera: string;
  start: string | null;
  end: string | null;
  made_by: string;
  made: string;
  until: string;
  state: 'valid' | 'over' | 'revoked' | 'ended';
  used: string | null;
}

export interface NewPlayerAddress extends PlayerAddress {
  /** Where its playlist is on this server: answered this once. */
  path: string;
}
