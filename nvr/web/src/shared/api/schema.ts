// What the server takes and answers. Made from its OpenAPI description: python -m tests.page_types --write

export const ACCESS_ACTION_VALUES = [
  'status',
  'live',
  'playback',
  'clip',
  'export',
  'hold',
  'request',
  'approve',
  'report',
  'ptz',
  'cut_public',
  'edit_cameras',
  'orders',
  'retention',
  'people',
  'audit',
  'system',
] as const;
export type AccessAction = (typeof ACCESS_ACTION_VALUES)[number];

export interface AccessChange {
  give?: NewGrant | null;
  revoke?: string | null;
  labels?: Record<string, Record<string, string>>;
}

export interface Acknowledged {
  alerts: number;
}

export interface Acknowledgement {
  note?: string;
}

export interface Activity {
  camera: string;
  start: string;
  end: string;
  pending: number;
  apart_s: number | null;
  first: string | null;
  steps_ms: number[];
  shares: number[];
}

export const ADDRESS_STATE_VALUES = [
  'valid',
  'over',
  'revoked',
  'ended',
] as const;
export type AddressState = (typeof ADDRESS_STATE_VALUES)[number];

export interface Addresses {
  addresses: PlayerAddress[];
}

export interface Alert {
  id: string;
  kind: AlertKind;
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

export const ALERT_KIND_VALUES = [
  'camera_down',
  'cameras_down',
  'disk_low',
  'sync_late',
  'held_beyond',
  'holds_large',
  'root_absent',
  'promise_at_risk',
  'clock_unsynchronised',
  'recorded_little',
  'frames_lost',
  'time_stamps_off',
  'keyframes_apart',
  'login_refused',
  'certificate_changed',
  'deletion_waiting',
  'tampered',
  'page_certificate_ending',
  'page_certificate_unusable',
  'disk_worn',
  'backup_late',
  'backup_drill_failed',
] as const;
export type AlertKind = (typeof ALERT_KIND_VALUES)[number];

export interface AlertMember {
  camera: string;
  since: string;
  well: string | null;
  required: boolean;
}

export interface Alerts {
  alerts: Alert[];
  recipients: Recipient[];
}

export interface AppliedRules {
  deleted: RuleCount;
  gone: number;
}

export interface Approval {
  reason?: string;
  until?: string | null;
}

export interface AuditEntry {
  seq: number;
  time: string;
  at_us: number;
  actor: string;
  address: string;
  action: string;
  camera: string | null;
  detail: string;
  previous: string;
  hash: string;
  actor_id: string | null;
}

export interface AuditFault {
  seq: number;
  kind: string;
  detail: string;
}

export interface AuditPage {
  head: string;
  entries: AuditEntry[];
  before: number | null;
}

export interface AuditVerdict {
  whole: boolean;
  state: LogState;
  noted: string;
  entries: number;
  head: string;
  faults: AuditFault[];
}

export interface Bookmark {
  id: string;
  camera: string;
  at: string;
  note: string;
  made_by: string;
  made: string;
  mine: boolean;
}

export interface Bookmarks {
  bookmarks: Bookmark[];
}

export interface Camera {
  id: string;
  name: string;
  labels: Record<string, string>;
  audio: boolean;
  source: CameraSource;
  url?: string;
  live_url?: string | null;
  expected_interval?: string | null;
  priority?: number;
  max_age?: string | null;
  min_age?: string | null;
  max_bytes?: string | null;
  status: CameraStatus;
  first_footage: string | null;
  last_footage: string | null;
}

export interface CameraChange {
  id?: string;
  url?: string;
  live_url?: string | null;
  name?: string;
  username?: string | null;
  password?: string | null;
  labels?: Record<string, string>;
  audio?: boolean;
  source?: 'auto' | 'native' | 'av';
  transport?: string;
  login?: string;
  tls?: string;
  redirect_hosts?: string[];
  expected_interval?: string | null;
  priority?: number;
  max_age?: string | null;
  min_age?: string | null;
  max_bytes?: string | null;
}

export interface CameraHolder {
  name: string;
  actions: AccessAction[];
  grants: Grant[];
}

export interface CameraHolders {
  camera: string;
  as_of: string;
  holders: CameraHolder[];
}

export interface CameraList {
  as_of: string;
  cameras: Camera[];
}

export interface CameraMark {
  id: string;
  camera: string;
  kind: string;
  start: string;
  end: string;
  is_on: boolean;
  count: number;
  source: string;
  version: string;
  topic: string;
  label: string;
  score: number | null;
}

export interface CameraRules {
  camera: string;
  own: Policy;
  in_force: Policy;
}

export const CAMERA_SOURCE_VALUES = [
  'file',
  'catalogue',
] as const;
export type CameraSource = (typeof CAMERA_SOURCE_VALUES)[number];

export const CAMERA_STATE_VALUES = [
  'recording',
  'waiting',
  'off',
] as const;
export type CameraState = (typeof CAMERA_STATE_VALUES)[number];

export interface CameraStatus {
  state: CameraState;
  since: string;
  cause: Cause | null;
  class: CauseClass | null;
  detail: Record<string, unknown> | null;
  recorded_until: string | null;
  codec: string | null;
  width: number | null;
  height: number | null;
  bitrate_bps: number | null;
  frame_rate: number | null;
  clock_offset_s: number | null;
  counters: Record<string, number>;
}

export interface CameraTrack {
  camera: string;
  name: string;
  as_of: string;
  recorded_s: number;
  missing_s: number;
  lengths: number[];
  states: string[];
  classes: (CauseClass | null)[];
  gaps: Gap[] | null;
  granted?: Span[];
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

export interface Cases {
  second_person: boolean;
  cases: Case[];
}

export const CAUSE_VALUES = [
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
  'node_lost',
  'no_capacity',
  'pruned',
  'deleted',
  'missing',
  'unknown',
] as const;
export type Cause = (typeof CAUSE_VALUES)[number];

export const CAUSE_CLASS_VALUES = [
  'administrative',
  'network',
  'camera',
  'server',
  'policy',
] as const;
export type CauseClass = (typeof CAUSE_CLASS_VALUES)[number];

export interface CauseConfirmation {
  cause: string;
}

export interface Certificate {
  certificate_sha256: string;
  subject: string;
  bits: number;
  not_before: string;
  not_after: string;
  current: boolean;
}

export interface Certificates {
  certificates: Certificate[];
}

export interface Check {
  at: string;
  outcome: CheckOutcome;
  details: string[];
}

export const CHECK_OUTCOME_VALUES = [
  'good',
  'partly',
  'wrong',
] as const;
export type CheckOutcome = (typeof CHECK_OUTCOME_VALUES)[number];

export interface CitizenReport {
  kind: FaultKind;
  first: string;
  last: string;
  count: number;
  note: string;
}

export interface CitizenReports {
  reports: CitizenReport[];
}

export interface ClipPart {
  start: string;
  end: string;
  url: string;
}

export interface Clock {
  camera: string;
  as_of: string;
  latest: ClockSample | null;
  samples: ClockSample[];
}

export interface ClockSample {
  at: string;
  until: string;
  offset_s: number;
  uncertainty_s: number;
  source: string;
}

export interface Closure {
  id: string;
  camera: string;
  start: string | null;
  end: string | null;
  reason: string;
  since: string;
  until: string | null;
  by: string;
  ended: string | null;
  ended_by: string | null;
  in_force: boolean;
}

export interface Closures {
  closures: Closure[];
}

export interface Confirmation {
  plan_hash: string;
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
  clock_steps: Step[];
  granted?: Span[];
}

export interface CoverageReport {
  start: string;
  end: string;
  as_of: string;
  by: string;
  zone: string;
  filters: Record<string, string[]>;
  cameras: number;
  total: Figures;
  groups: FigureGroup[];
  clock_steps: FleetStep[];
  left_out?: number;
}

export interface Cut {
  camera: string;
  since: string;
  reason: string;
  by: string;
}

export interface Cuts {
  cuts: Cut[];
}

export interface DeletionAnswer {
  start: string;
  end: string;
  reason: string;
  plan_hash: string;
}

export interface Deletion {
  plan_hash: string;
  segments: number;
  bytes: number;
  ranges: Span[];
  held: number;
  growing: boolean;
}

export interface DeviceAsCamera {
  device: string;
  camera: string;
  source?: string;
  name?: string;
  labels?: Record<string, string>;
}

export interface Device {
  id: string;
  address: string;
  port: number;
  kind: 'onvif' | 'rtsp';
  uuid: string;
  manufacturer: string;
  model: string;
  firmware: string;
  serial: string;
  mac: string;
  login: 'none' | 'digest' | 'wsse' | 'refused' | 'blocked' | 'not_tried' | 'impossible';
  clock_offset_s: number | null;
  first_seen: string;
  last_seen: string;
  missing_since: string | null;
  cameras: string[];
  pictures: Picture[];
  findings: Finding[];
  events: EventSource | null;
}

export interface DeviceList {
  devices: Device[];
}

export interface DeviceOfCamera {
  device: string;
}

export interface DeviceRetried {
  device: string;
  waited: boolean;
}

export interface DevicesAdded {
  dry_run: boolean;
  added: string[];
}

export interface DevicesToAdd {
  cameras?: DeviceAsCamera[];
  devices?: string[];
  pattern?: string | null;
  labels?: Record<string, string>;
  username?: string | null;
  password?: string | null;
  dry_run?: boolean;
}

export interface Directive {
  id: string;
  kind: DirectiveKind;
  state: DirectiveState;
  reason: string;
  start: string;
  end: string | null;
  selection: string;
  cameras: number;
  left: number;
  entered_by: string;
  entered: string;
  letter?: string | null;
  letter_date?: string | null;
  approver?: string | null;
  expected_end?: string | null;
  overdue?: boolean;
  local_copy_until?: string | null;
  hours?: string | null;
  zone?: string | null;
  attachment?: string | null;
  attachment_name?: string | null;
  revocations: Revocation[];
  members?: DirectiveMember[];
}

export const DIRECTIVE_KIND_VALUES = [
  'order',
  'maintenance',
  'schedule',
] as const;
export type DirectiveKind = (typeof DIRECTIVE_KIND_VALUES)[number];

export interface DirectiveMember {
  camera: string;
  revocation: string | null;
}

export const DIRECTIVE_STATE_VALUES = [
  'planned',
  'in_force',
  'ended',
] as const;
export type DirectiveState = (typeof DIRECTIVE_STATE_VALUES)[number];

export interface EventSource {
  state: 'subscribed' | 'waiting' | 'given_up';
  since: string;
  why: string;
}

export interface Explanation {
  action: AccessAction;
  outcome: Outcome;
  sentence: string;
}

export interface Explanations {
  who: string;
  camera: string;
  as_of: string;
  at: string | null;
  actions: Explanation[];
}

export interface Export {
  id: string;
  state: ExportState;
  cameras: string[];
  names: string[];
  start: string;
  end: string;
  case: string;
  legal_basis: string;
  purpose: string;
  requester: string;
  approver: string;
  requested_by: string;
  requested: string;
  started: string | null;
  ended: string | null;
  total_bytes: number | null;
  done_bytes: number;
  reason: string | null;
  warnings: string[];
  files: ExportFile[];
  bytes: number | null;
  download: string | null;
  may_download: boolean;
  links: ExportLink[];
  begins: string | null;
  checked: Check | null;
  stated_by: Record<string, string>;
}

export interface ExportFile {
  name: string;
  bytes: number;
}

export interface ExportLink {
  id: string;
  recipient: string;
  made_by: string;
  made: string;
  until: string;
  state: LinkState;
  openings: number;
  downloads: number;
  used: string | null;
  revoked: string | null;
  revoked_by: string | null;
  path?: string;
}

export const EXPORT_STATE_VALUES = [
  'queued',
  'running',
  'done',
  'failed',
  'cancelled',
  'expired',
] as const;
export type ExportState = (typeof EXPORT_STATE_VALUES)[number];

export interface Exports {
  exports: Export[];
}

export interface Fact {
  kind: Cause;
  start: string;
}

export interface Factor {
  id: string;
  kind: FactorKind;
  name: string;
  made: string;
  used: string | null;
}

export interface FactorCode {
  code: string;
}

export const FACTOR_KIND_VALUES = [
  'totp',
  'passkey',
] as const;
export type FactorKind = (typeof FACTOR_KIND_VALUES)[number];

export interface Factors {
  factors: Factor[];
  recovery_codes: number;
  required: boolean;
}

export const FAULT_KIND_VALUES = [
  'dark',
  'damaged',
  'blocked',
  'elsewhere',
  'other',
] as const;
export type FaultKind = (typeof FAULT_KIND_VALUES)[number];

export interface FigureGroup {
  coverage: number | null;
  asked_s: number;
  recorded_s: number;
  not_recorded_s: number;
  no_longer_there_s: number;
  not_required_s: number;
  not_known_s: number;
  required_s: number;
  missing_s: number;
  by_class: OutagesByClass;
  planned_s: number;
  administrative_s: number;
  absent_s: number;
  removed_s: number;
  outages: number;
  longest_s: number;
  mtbf_s: number | null;
  mttr_s: number | null;
  camera?: string;
  name?: string;
  labels?: Record<string, string>;
  value?: string | null;
  cameras?: number;
  start?: string;
  end?: string;
}

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
  by_class: OutagesByClass;
  planned_s: number;
  administrative_s: number;
  absent_s: number;
  removed_s: number;
  outages: number;
  longest_s: number;
  mtbf_s: number | null;
  mttr_s: number | null;
}

export interface Finding {
  code: string;
  text: string;
  figures: Record<string, unknown>;
}

export interface FleetCamera {
  id: string;
  name: string;
  labels: Record<string, string>;
  state: FleetState;
  cause?: Cause | null;
  class?: CauseClass | null;
  since?: string | null;
  letter?: string | null;
  live?: boolean;
}

export interface FleetList {
  as_of: string;
  token: string;
  whole: boolean;
  cameras: FleetCamera[];
  gone: string[];
}

export const FLEET_STATE_VALUES = [
  'recorded',
  'down',
  'off',
] as const;
export type FleetState = (typeof FLEET_STATE_VALUES)[number];

export interface FleetStep {
  at: string;
  to: string;
  by_s: number;
  cameras: number;
}

export interface Footage {
  kind?: FootageKind;
  last_s?: number | null;
  start?: string | null;
  end?: string | null;
}

export const FOOTAGE_KIND_VALUES = [
  'all',
  'live',
  'last',
  'range',
] as const;
export type FootageKind = (typeof FOOTAGE_KIND_VALUES)[number];

export interface FootageRequest {
  id: string;
  case: string;
  cameras: string[];
  names: string[];
  holds: string[];
  start: string;
  end: string;
  purpose: string;
  state: RequestState;
  requester: string;
  mine: boolean;
  may_decide: boolean;
  requested: string;
  decided_by: string | null;
  decided: string | null;
  decision: string | null;
  export: string | null;
}

export interface Forecast {
  as_of: string;
  capacity_bytes: number;
  needed_bytes: number;
  bytes_per_s: number;
  full: string | null;
  misses: Miss[];
  cameras: Recorded[];
}

export interface FrameTimes {
  camera: string;
  start: string;
  end: string;
  first: string | null;
  steps_us: number[];
}

export interface Gap {
  start: string;
  end: string;
  open: boolean;
  duration_s: number;
  cause: Cause;
  class: CauseClass;
  detail: Record<string, unknown>;
  fact: Fact | null;
}

export interface GapReport {
  start: string;
  end: string;
  as_of: string;
  fold_s: number;
  filters: Record<string, string[]>;
  gaps: ReportGap[];
  omitted: number;
  total: GapTotals;
  clock_steps: FleetStep[];
}

export interface GapTotals {
  gaps: number;
  missing_s: number;
  cameras: number;
  asked_s: number;
  recorded_s: number;
  not_recorded_s: number;
  no_longer_there_s: number;
  not_required_s: number;
  not_known_s: number;
  longest_s: number;
  folded: Tally;
  by_cause: Record<string, Tally>;
  by_class: Record<string, Tally>;
  by_kind: KindTally[];
}

export interface Grant {
  id: string;
  holder: string;
  holder_name: string | null;
  gives: string;
  actions: AccessAction[];
  cameras: string;
  footage: Footage;
  sees_closed: boolean;
  start: string;
  until: string | null;
  reason: string;
  request: string | null;
  made: string;
  made_by: string;
  revoked: string | null;
  revoked_by: string | null;
  in_force: boolean;
}

export interface GrantEffects {
  summary: string;
  given: HolderEffect[];
  taken: HolderEffect[];
  cameras: string | null;
  until: string | null;
}

export interface Grants {
  grants: Grant[];
}

export interface GroupAcknowledgement {
  alerts: string[];
  note?: string;
}

export interface Group {
  id: string;
  name: string;
  made: string;
  made_by: string;
  members: GroupMember[];
}

export interface GroupMember {
  user: string;
  provider: string;
}

export interface Groups {
  groups: Group[];
}

export interface Health {
  status: 'ok' | 'degraded';
  version: string;
  time: string;
  problems: HealthProblem[];
}

export interface HealthProblem {
  code: string;
  detail: string;
  cameras?: number;
}

export interface Hold {
  id: string;
  camera: string;
  start: string;
  end: string;
  reason: string;
  placed_by: string;
  placed: string;
  released: string | null;
  released_by: string | null;
  release_reason: string | null;
  segments: number | null;
  bytes: number | null;
}

export interface HolderEffect {
  name: string;
  cameras: number;
  some: string[];
}

export interface Holds {
  holds: Hold[];
}

export interface Imported {
  dry_run: boolean;
  added: string[];
  changed: Record<string, string[]>;
  unchanged: number;
  sight: string;
}

export interface KindTally {
  gaps: number;
  missing_s: number;
  cause: Cause;
  class: CauseClass;
}

export interface Label {
  max_age_s: number | null;
  min_age_s: number | null;
  max_bytes: number | null;
  match: Record<string, string>;
}

export const LINK_STATE_VALUES = [
  'valid',
  'over',
  'revoked',
  'ended',
] as const;
export type LinkState = (typeof LINK_STATE_VALUES)[number];

export interface LinkedCamera {
  id: string;
  name: string;
}

export interface LinkedGap {
  camera: string;
  start: string;
  end: string;
  cause: Cause | null;
}

export interface LinkedVideo {
  name: string;
  camera: string;
  start: string;
  end: string;
  address: string;
}

export const LOG_STATE_VALUES = [
  'whole',
  'consistent',
  'tampered',
] as const;
export type LogState = (typeof LOG_STATE_VALUES)[number];

export interface LoggedIn {
  user: string;
  role: Role;
  second_factor?: FactorKind[];
}

export interface Login {
  username: string;
  password: string;
}

export interface LoginProvider {
  id: string;
  name: string;
}

export interface LoginSession {
  id: string;
  user: string;
  began: string;
  seen: string | null;
  until: string;
  address: string;
  agent: string;
  current: boolean;
}

export interface LoginSessions {
  sessions: LoginSession[];
}

export interface LoginWays {
  providers: LoginProvider[];
}

export interface MarkList {
  marks: CameraMark[];
  is_whole: boolean;
}

export interface MarkToAdd {
  camera: string;
  kind: string;
  start: string;
  end?: string | null;
  label?: string;
  score?: number | null;
}

export interface MarksAdded {
  added: string[];
}

export interface MarksToAdd {
  source: string;
  version: string;
  marks: MarkToAdd[];
}

export interface Me {
  user: string;
  role: Role;
  actions: AccessAction[];
  zone: string;
  version: string;
  time: string;
  must_change_password: boolean;
  second_person: boolean;
  second_factor: 'needed' | 'set_up' | 'None';
}

export interface Miss {
  camera: string;
  min_age_s: number;
  reachable_s: number;
  at: string;
}

export interface Mistake {
  field: string;
  message: string;
}

export interface Move {
  camera: string;
  device: string;
  recorded_from: string;
  to: string;
  is_fixed: boolean;
}

export interface MoveList {
  moves: Move[];
}

export interface NameOverPicture {
  name: string | null;
}

export interface NamedRole {
  name: string;
  built_in: boolean;
  actions: AccessAction[];
}

export interface NetworkReport {
  start: string;
  end: string;
  as_of: string;
  by: string;
  step: string;
  where: string;
  zone: string;
  rows: NetworkRow[];
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

export interface NewAddress {
  live?: boolean;
  start?: string | null;
  end?: string | null;
  expires_s?: number;
}

export interface NewBookmark {
  at: string;
  note: string;
}

export interface NewCamera {
  id: string;
  url: string;
  live_url?: string | null;
  name?: string;
  username?: string | null;
  password?: string | null;
  labels?: Record<string, string>;
  audio?: boolean;
  source?: 'auto' | 'native' | 'av';
  transport?: string;
  login?: string;
  tls?: string;
  redirect_hosts?: string[];
  expected_interval?: string | null;
  priority?: number;
  max_age?: string | null;
  min_age?: string | null;
  max_bytes?: string | null;
}

export interface NewCase {
  number: string;
  legal_basis: string;
  title?: string;
}

export interface NewClosure {
  reason: string;
  start?: string | null;
  end?: string | null;
  until?: string | null;
}

export interface NewExport {
  request?: string | null;
  cameras?: string[];
  start?: string | null;
  end?: string | null;
  case?: string;
  legal_basis?: string;
  purpose?: string;
  requester?: string;
  approver?: string;
}

export interface NewFactor {
  name: string;
}

export interface NewGrant {
  holder: string;
  gives: string;
  cameras: string;
  reason: string;
  footage?: Footage;
  start?: string | null;
  until?: string | null;
  sees_closed?: boolean;
}

export interface NewGroup {
  name: string;
}

export interface NewHold {
  camera: string;
  start: string;
  end: string;
  reason: string;
}

export interface NewLabelRule {
  max_age_s?: number | null;
  min_age_s?: number | null;
  max_bytes?: number | null;
  match: Record<string, string>;
}

export interface NewLink {
  recipient: string;
  expires_s?: number | null;
  until?: string | null;
}

export interface NewMember {
  user: string;
}

export interface NewOrder {
  where?: string | null;
  cameras?: string[] | null;
  csv?: string | null;
  letter: string;
  reason: string;
  approver: string;
  letter_date?: string | null;
  start?: string | null;
  end?: string | null;
  expected_end?: string | null;
  local_copy_until?: string | null;
  attachment?: string | null;
  attachment_name?: string | null;
  plan_hash?: string | null;
}

export interface NewPasskey {
  name: string;
  credential: string;
}

export interface NewPassword {
  password: string;
  current?: string | null;
}

export interface NewPreset {
  name: string;
}

export interface NewReport {
  kind: FaultKind;
  note?: string;
}

export interface NewRequest {
  cameras: string[];
  start: string;
  end: string;
  purpose: string;
}

export interface NewRevocation {
  reason: string;
  letter?: string | null;
  letter_date?: string | null;
  approver?: string | null;
  start?: string | null;
  cameras?: string[] | null;
  where?: string | null;
}

export interface NewRole {
  name: string;
  actions: AccessAction[];
}

export interface NewScan {
  networks?: string[];
  username?: string | null;
  password?: string | null;
}

export interface NewSchedule {
  where?: string | null;
  cameras?: string[] | null;
  csv?: string | null;
  reason: string;
  hours: string;
  start?: string | null;
  end?: string | null;
}

export interface NewScreen {
  lasts_s: number;
}

export interface NewService {
  name: string;
  role?: Role | null;
}

export interface NewToken {
  name: string;
  role: Role;
  until?: string | null;
  cameras?: string | null;
  footage?: Footage | null;
  service?: string | null;
}

export interface NewTotp {
  id: string;
  secret: string;
  uri: string;
}

export interface NewUser {
  name: string;
  password: string;
  role?: Role | null;
}

export interface NewWall {
  name: string;
  cameras: string[];
  places?: number;
  shared?: string;
  wall?: string | null;
}

export interface NewWindow {
  where?: string | null;
  cameras?: string[] | null;
  csv?: string | null;
  reason: string;
  start: string;
  end: string;
}

export interface Oddity {
  code: string;
  text: string;
  figures?: Record<string, unknown>;
}

export interface OpenedLink {
  recipient: string;
  until: string;
  cameras: LinkedCamera[];
  start: string;
  end: string;
  case: string;
  name: string;
  bytes: number;
  download: string;
  server: string;
  zone: string;
  requester: string;
  approver: string;
  made: string;
  certificate_sha256: string;
  signer: string;
  videos: LinkedVideo[];
  gaps: LinkedGap[];
}

export interface Opening {
  link: string;
}

export interface OrderOfCamera {
  letter: string;
  letter_date: string | null;
  expected_end: string | null;
}

export interface OrderPreview {
  as_of: string;
  plan_hash: string;
  cameras: string[];
  start: string;
  until: string | null;
  camera_hours: number | null;
  camera_hours_a_day: number;
  disabled_before: number;
  other_orders: string[];
  holds: TouchedHold[];
  cases: TouchedCase[];
  recording: number;
  measured: number;
  unknown: number;
  mbit_per_s: number | null;
  uplink_mbit_per_s: number | null;
  cost_a_month: number | null;
  cost_saved: number | null;
}

export interface Orders {
  as_of: string;
  orders: Directive[];
}

export interface Outage {
  camera: string;
  name: string;
  labels: Record<string, string>;
  since: string;
  at_least: boolean;
  duration_s: number;
  cause: Cause | null;
  class: CauseClass;
  detail: Record<string, unknown>;
}

export interface OutageList {
  as_of: string;
  cameras: number;
  outages: Outage[];
}

export interface OutagesByClass {
  network: number;
  camera: number;
  server: number;
}

export const OUTCOME_VALUES = [
  'allowed',
  'cut',
  'closed',
  'outside',
  'forbidden',
  'hidden',
] as const;
export type Outcome = (typeof OUTCOME_VALUES)[number];

export interface PasskeyOptions {
  options: string;
}

export interface PasskeyProof {
  credential: string;
}

export interface Picture {
  token: string;
  source: string;
  name: string;
  use: string;
  codec: string;
  width: number;
  height: number;
  frame_rate: number | null;
  keyframe_s: number | null;
  bitrate_bps: number | null;
  url: string;
  camera: string | null;
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

export interface PlayerAddress {
  id: string;
  camera: string;
  start: string | null;
  end: string | null;
  made_by: string;
  made: string;
  until: string;
  state: AddressState;
  used: string | null;
  revoked: string | null;
  revoked_by: string | null;
  path?: string;
}

export interface Policy {
  max_age_s: number | null;
  min_age_s: number | null;
  max_bytes: number | null;
}

export interface PolicyChange {
  max_age_s?: number | null;
  min_age_s?: number | null;
  max_bytes?: number | null;
}

export interface Preset {
  preset: string;
  name: string;
}

export interface PresetList {
  presets: Preset[];
}

export interface PresetToCall {
  preset: string;
}

export interface Preview {
  as_of: string;
  plan_hash: string;
  segments: number;
  hours: number;
  bytes: number;
  cameras: number;
  oldest: string | null;
  by_rule: Record<string, RuleCount>;
  complete: boolean;
  shortfalls: Shortfall[];
  overdue: number;
  held_beyond: Record<string, number>;
}

export interface Probe {
  url: string;
  source: 'native' | 'av';
  transport: string;
  seconds: number;
  codec: string;
  profile: string;
  width: number;
  height: number;
  frames: number;
  frame_rate: number | null;
  declared_frame_rate: number | null;
  bitrate_bps: number | null;
  keyframe_s: number | null;
  clock_offset_s: number | null;
  audio: string | null;
  audio_packets: number;
  error: string | null;
  cause: string | null;
  oddities: Oddity[];
  picture?: string | null;
}

export interface ProbeRequest {
  camera?: string | null;
  url?: string | null;
  username?: string | null;
  password?: string | null;
  audio?: boolean;
  source?: 'auto' | 'native' | 'av';
  transport?: string;
  login?: string;
  tls?: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: 'invalid_request' | 'missing_parameter' | 'invalid_parameter' | 'live_too_far_ahead' | 'naive_time' | 'invalid_time' | 'time_out_of_range' | 'empty_range' | 'range_too_long' | 'invalid_camera' | 'invalid_hold' | 'invalid_case' | 'invalid_selection' | 'invalid_directive' | 'invalid_attachment' | 'invalid_table' | 'invalid_deletion' | 'invalid_cut' | 'invalid_retention' | 'invalid_grant' | 'invalid_account' | 'login_over' | 'provider_refused' | 'provider_unreachable' | 'user_unknown' | 'provider_not_found' | 'no_passkeys_here' | 'invalid_factor' | 'weak_password' | 'invalid_link' | 'invalid_address' | 'invalid_bookmark' | 'invalid_export' | 'not_authenticated' | 'bad_credentials' | 'bad_proof' | 'forbidden' | 'closed_for_privacy' | 'beyond_own_grants' | 'outside_grant' | 'password_change_needed' | 'second_factor_needed' | 'second_factor_setup_needed' | 'proof_needed' | 'account_expired' | 'hold_too_large' | 'second_person_needed' | 'not_your_request' | 'not_your_export' | 'outside_address' | 'no_longer_allowed' | 'cross_origin' | 'not_found' | 'camera_not_found' | 'segment_not_found' | 'no_footage' | 'init_not_found' | 'alert_not_found' | 'case_not_found' | 'request_not_found' | 'export_not_found' | 'link_not_found' | 'link_not_valid' | 'address_not_found' | 'address_not_valid' | 'bookmark_not_found' | 'certificate_not_found' | 'hold_not_found' | 'directive_not_found' | 'attachment_not_found' | 'public_off' | 'grant_not_found' | 'account_not_found' | 'method_not_allowed' | 'provisioned' | 'camera_exists' | 'user_exists' | 'case_exists' | 'case_closed' | 'case_undecided' | 'request_decided' | 'export_not_ready' | 'export_wrong' | 'export_ended' | 'approval_needed' | 'too_many_addresses' | 'too_many_exports' | 'hold_released' | 'nothing_waits' | 'device_not_found' | 'not_moved' | 'scan_not_found' | 'scan_not_allowed' | 'scan_running' | 'invalid_mark' | 'ptz_off' | 'ptz_taken' | 'ptz_failed' | 'probe_failed' | 'plan_changed' | 'range_not_over' | 'several_inits' | 'not_live' | 'last_admin' | 'footage_gone' | 'too_large' | 'wrong_host' | 'range_not_satisfiable' | 'too_many_attempts' | 'clip_too_long' | 'gap_too_long' | 'footage_damaged' | 'internal' | 'catalogue_unavailable' | 'busy';
  parameters?: Record<string, string>;
  incident?: string;
  errors?: Mistake[];
  parts?: ClipPart[];
  archive?: string;
  known_until?: string;
  retry_at?: string;
  so_far?: ClipPart | null;
}

export interface Proof {
  code?: string | null;
  recovery_code?: string | null;
  password?: string | null;
}

export interface Ptz {
  movable: boolean;
  why: string | null;
  priority: number;
  held_by: string | null;
  held_priority: number | null;
  held_until: string | null;
  mine: boolean;
  wishes: string[];
  moving: boolean;
  trouble: string | null;
}

export interface PtzMove {
  pan?: number;
  tilt?: number;
  zoom?: number;
}

export interface PublicCamera {
  id: string;
  name: string;
  district: string | null;
  latitude: string | null;
  longitude: string | null;
  state: string;
  since: string | null;
  text: Record<string, string>;
  order: OrderOfCamera | null;
  picture: string | null;
  picture_time: string | null;
  live: string | null;
}

export interface PublicCameras {
  as_of: string;
  zone: string;
  cameras: PublicCamera[];
}

export interface PublicHidden {
  as_of: string;
  hidden: string[];
}

export interface Range {
  start: string;
  end: string;
}

export interface Recipient {
  channel: string;
  recipient: string | null;
  waiting: number;
  failing_since: string | null;
  error: string | null;
  accepted: string | null;
  dropped: number;
}

export interface Recorded {
  camera: string;
  bytes_per_s: number;
  oldest: string | null;
}

export interface RecoveryCodes {
  recovery_codes: string[];
}

export interface Refusal {
  reason: string;
  release?: boolean;
}

export interface Release {
  reason: string;
}

export interface ReportGap {
  start: string;
  end: string;
  open: boolean;
  duration_s: number;
  cause: Cause;
  class: CauseClass;
  detail: Record<string, unknown>;
  fact: Fact | null;
  camera: string;
  name: string;
}

export const REQUEST_STATE_VALUES = [
  'asked',
  'approved',
  'refused',
  'withdrawn',
] as const;
export type RequestState = (typeof REQUEST_STATE_VALUES)[number];

export interface Retention {
  as_of: string;
  default: Policy;
  labels: Label[];
  cameras: CameraRules[];
  roots: Root[];
}

export interface Retried {
  camera: string;
  waited: boolean;
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

export const ROLE_VALUES = [
  'viewer',
  'investigator',
  'admin',
  'auditor',
  'technician',
  'disclosure',
] as const;
export type Role = (typeof ROLE_VALUES)[number];

export interface Roles {
  roles: NamedRole[];
}

export interface Root {
  root: string;
  path: string;
  free_bytes: number;
  floor_bytes: number;
}

export interface RuleChange {
  default?: PolicyChange;
  labels?: NewLabelRule[] | null;
  cameras?: Record<string, PolicyChange>;
}

export interface RuleCount {
  segments: number;
  bytes: number;
}

export interface Scan {
  id: string;
  begun: string;
  ended: string | null;
  actor: string;
  networks: string[];
  username: string | null;
  state: 'running' | 'stopping' | 'done' | 'stopped' | 'failed' | 'interrupted';
  done: number;
  blocks: number;
  found: number;
  error: string | null;
}

export interface ScanList {
  networks: string[];
  scans: Scan[];
}

export interface Schedules {
  as_of: string;
  schedules: Directive[];
}

export interface ScreenCode {
  code: string;
  until: string;
}

export interface ScreenLogin {
  code: string;
}

export interface Shortfall {
  root: string;
  bytes: number;
}

export interface Span {
  start: string;
  end: string;
}

export interface Step {
  at: string;
  to: string;
  by_s: number;
}

export interface Taken {
  reason?: string;
}

export interface Tally {
  gaps: number;
  missing_s: number;
}

export interface Token {
  id: string;
  name: string;
  role: Role;
  created: string;
  last_used: string | null;
  last_address: string | null;
  until: string | null;
  limited: boolean;
  user: string | null;
  made_by: string | null;
  token?: string;
}

export interface Tokens {
  tokens: Token[];
}

export interface TouchedCase {
  id: string;
  number: string;
}

export interface TouchedHold {
  id: string;
  camera: string;
  reason: string;
}

export interface Tracks {
  start: string;
  end: string;
  as_of: string;
  columns: number;
  tracks: CameraTrack[];
}

export interface Trusted {
  camera: string;
  known: boolean;
}

export interface Uploaded {
  sha256: string;
  bytes: number;
}

export interface User {
  id: string;
  name: string;
  role: Role | null;
  created: string;
  made_by: string | null;
  must_change_password: boolean;
  service: boolean;
  seen: string | null;
}

export interface Users {
  users: User[];
}

export interface Waiting {
  cause: string;
  since: string;
  reason: string | null;
  segments: number;
  hours: number;
  bytes: number;
  cameras: number;
  oldest: string | null;
  confirmed_by: string | null;
}

export interface WaitingList {
  as_of: string;
  waiting: Waiting[];
}

export interface Wall {
  id: string;
  name: string;
  cameras: string[];
  places: number;
  shared: string;
  mine: boolean;
  owner: string;
  changed: string;
}

export interface Walls {
  walls: Wall[];
}

export interface WaysToProve {
  factors: FactorKind[];
  password: boolean;
  provider: string | null;
}

export interface Why {
  reason: string;
}

export interface WindowList {
  as_of: string;
  windows: Directive[];
}

/** By method and path. */
export interface Routes {
  'POST /api/login': {
    body: Login;
    answer: LoggedIn;
  };
  'POST /api/logout': {
    answer: void;
  };
  'GET /api/me': {
    answer: Me;
  };
  'GET /api/users': {
    answer: Users;
  };
  'POST /api/users': {
    body: NewUser;
    answer: User;
  };
  'DELETE /api/users/{name}': {
    path: { name: string };
    answer: void;
  };
  'POST /api/users/{name}/password': {
    path: { name: string };
    body: NewPassword;
    answer: void;
  };
  'GET /api/sessions': {
    query?: { user?: string };
    answer: LoginSessions;
  };
  'DELETE /api/sessions/{session}': {
    path: { session: string };
    answer: void;
  };
  'GET /api/tokens': {
    answer: Tokens;
  };
  'POST /api/tokens': {
    body: NewToken;
    answer: Token;
  };
  'DELETE /api/tokens/{token}': {
    path: { token: string };
    answer: void;
  };
  'GET /api/prove': {
    answer: WaysToProve;
  };
  'POST /api/prove': {
    body: Proof;
    answer: void;
  };
  'GET /api/factors': {
    answer: Factors;
  };
  'POST /api/factors/totp': {
    body: NewFactor;
    answer: NewTotp;
  };
  'POST /api/factors/{factor}/confirm': {
    path: { factor: string };
    body: FactorCode;
    answer: RecoveryCodes;
  };
  'POST /api/recovery-codes': {
    answer: RecoveryCodes;
  };
  'DELETE /api/factors/{factor}': {
    path: { factor: string };
    answer: void;
  };
  'DELETE /api/users/{name}/factors': {
    path: { name: string };
    answer: void;
  };
  'POST /api/users/{name}/renew': {
    path: { name: string };
    answer: void;
  };
  'POST /api/passkeys/options': {
    answer: PasskeyOptions;
  };
  'POST /api/passkeys': {
    body: NewPasskey;
    answer: RecoveryCodes;
  };
  'POST /api/prove/passkey/options': {
    answer: PasskeyOptions;
  };
  'POST /api/prove/passkey': {
    body: PasskeyProof;
    answer: void;
  };
  'POST /api/login/passkey/options': {
    answer: PasskeyOptions;
  };
  'POST /api/login/passkey': {
    body: PasskeyProof;
    answer: LoggedIn;
  };
  'POST /api/services': {
    body: NewService;
    answer: User;
  };
  'POST /api/services/{name}/screen': {
    path: { name: string };
    body: NewScreen;
    answer: ScreenCode;
  };
  'POST /api/login/screen': {
    body: ScreenLogin;
    answer: LoggedIn;
  };
  'GET /api/login-ways': {
    answer: LoginWays;
  };
  'GET /api/login/with/{provider}': {
    path: { provider: string };
    query?: { again?: boolean };
    answer: void;
  };
  'POST /api/login/with/{provider}/logout': {
    path: { provider: string };
    answer: void;
  };
  'GET /api/login/with/{provider}/back': {
    path: { provider: string };
    answer: void;
  };
  'GET /api/access/mine': {
    answer: Grants;
  };
  'GET /api/access/grants': {
    query?: { holder?: string; revoked?: boolean };
    answer: Grants;
  };
  'POST /api/access/grants': {
    body: NewGrant;
    answer: Grant;
  };
  'POST /api/access/grants/{grant}/revoke': {
    path: { grant: string };
    body: Taken;
    answer: Grant;
  };
  'POST /api/access/preview': {
    body: AccessChange;
    answer: GrantEffects;
  };
  'GET /api/access/roles': {
    answer: Roles;
  };
  'POST /api/access/roles': {
    body: NewRole;
    answer: NamedRole;
  };
  'DELETE /api/access/roles/{name}': {
    path: { name: string };
    answer: void;
  };
  'GET /api/access/cameras/{camera}/explain': {
    path: { camera: string };
    query: { user: string; at?: string };
    answer: Explanations;
  };
  'GET /api/access/cameras/{camera}/who': {
    path: { camera: string };
    answer: CameraHolders;
  };
  'GET /api/closures': {
    answer: Closures;
  };
  'POST /api/cameras/{camera}/closures': {
    path: { camera: string };
    body: NewClosure;
    answer: Closure;
  };
  'POST /api/closures/{closure}/end': {
    path: { closure: string };
    answer: Closure;
  };
  'GET /api/groups': {
    answer: Groups;
  };
  'POST /api/groups': {
    body: NewGroup;
    answer: Group;
  };
  'DELETE /api/groups/{group}': {
    path: { group: string };
    answer: void;
  };
  'POST /api/groups/{group}/members': {
    path: { group: string };
    body: NewMember;
    answer: void;
  };
  'DELETE /api/groups/{group}/members/{user}': {
    path: { group: string; user: string };
    answer: void;
  };
  'GET /api/cameras': {
    answer: CameraList;
  };
  'POST /api/cameras': {
    body: NewCamera;
    answer: Camera;
  };
  'GET /api/cameras/{camera}': {
    path: { camera: string };
    answer: Camera;
  };
  'DELETE /api/cameras/{camera}': {
    path: { camera: string };
    answer: void;
  };
  'PATCH /api/cameras/{camera}': {
    path: { camera: string };
    body: CameraChange;
    answer: Camera;
  };
  'POST /api/cameras/{camera}/retry': {
    path: { camera: string };
    answer: Retried;
  };
  'POST /api/cameras/{camera}/trust': {
    path: { camera: string };
    answer: Trusted;
  };
  'GET /api/fleet': {
    query?: { after?: string };
    answer: FleetList;
  };
  'GET /api/map/streets': {
    answer: void;
  };
  'GET /api/camera-table': {
    query?: { where?: string; passwords?: string };
    answer: void;
  };
  'POST /api/camera-table': {
    query?: { dry_run?: string };
    answer: Imported;
  };
  'GET /api/cameras/{camera}/clock': {
    path: { camera: string };
    query?: { start?: string; end?: string };
    answer: Clock;
  };
  'GET /api/cameras/{camera}/coverage': {
    path: { camera: string };
    query?: { start?: string; end?: string };
    answer: Coverage;
  };
  'GET /api/coverage': {
    query?: { start?: string; end?: string; by?: string; camera?: string[]; group?: string[]; where?: string };
    answer: CoverageReport;
  };
  'GET /api/outages': {
    query?: { group?: string[]; where?: string; class?: string[] };
    answer: OutageList;
  };
  'GET /api/exports': {
    answer: Exports;
  };
  'POST /api/exports': {
    body: NewExport;
    answer: Export;
  };
  'GET /api/exports/{export}': {
    path: { export: string };
    answer: Export;
  };
  'POST /api/exports/{export}/cancel': {
    path: { export: string };
    answer: Export;
  };
  'GET /api/exports/{export}/download': {
    path: { export: string };
    answer: void;
  };
  'GET /api/certificates': {
    answer: Certificates;
  };
  'GET /api/certificates/{name}': {
    path: { name: string };
    answer: void;
  };
  'POST /api/exports/{export}/links': {
    path: { export: string };
    body: NewLink;
    answer: ExportLink;
  };
  'POST /api/exports/{export}/links/{link}/revoke': {
    path: { export: string; link: string };
    answer: ExportLink;
  };
  'POST /api/links/open': {
    body: Opening;
    answer: OpenedLink;
  };
  'GET /api/links/{link}/videos/{name}': {
    path: { link: string; name: string };
    answer: void;
  };
  'GET /api/links/{link}/download': {
    path: { link: string };
    answer: void;
  };
  'GET /api/gaps': {
    query?: { start?: string; end?: string; camera?: string[]; group?: string[]; where?: string; cause?: string[]; class?: string[]; fold_s?: string; limit?: string; lang?: string; format?: string };
    answer: GapReport;
  };
  'GET /api/cameras/{camera}/clip.mp4': {
    path: { camera: string };
    query?: { start?: string; end?: string; gaps?: string; so_far?: boolean; run?: string; request?: string };
    answer: void;
  };
  'GET /api/cameras/{camera}/clip.zip': {
    path: { camera: string };
    query?: { start?: string; end?: string; gaps?: string; so_far?: boolean; request?: string };
    answer: void;
  };
  'GET /api/cameras/{camera}/playlist.m3u8': {
    path: { camera: string };
    query?: { start?: string; end?: string; run?: string };
    answer: void;
  };
  'GET /api/cameras/{camera}/live.m3u8': {
    path: { camera: string };
    query?: { _HLS_msn?: string; _HLS_part?: string };
    answer: void;
  };
  'GET /api/cameras/{camera}/snapshot.jpg': {
    path: { camera: string };
    query?: { at?: string; width?: string; near?: string };
    answer: void;
  };
  'GET /api/cameras/{camera}/still.png': {
    path: { camera: string };
    query?: { at?: string; lang?: string };
    answer: void;
  };
  'GET /api/cameras/{camera}/still.pdf': {
    path: { camera: string };
    query?: { at?: string; lang?: string };
    answer: void;
  };
  'GET /api/cameras/{camera}/activity': {
    path: { camera: string };
    query?: { start?: string; end?: string; region?: string };
    answer: Activity;
  };
  'GET /api/live': {
    query?: { camera?: string[]; main?: string[]; seconds?: number };
    answer: void;
  };
  'GET /api/walls': {
    answer: Walls;
  };
  'POST /api/walls': {
    body: NewWall;
    answer: Wall;
  };
  'DELETE /api/walls/{wall}': {
    path: { wall: string };
    answer: void;
  };
  'GET /api/playback/stream': {
    query?: { camera?: string[]; start?: string; end?: string; origin?: string; have?: string[] };
    answer: void;
  };
  'GET /api/playback/keyframes': {
    query?: { camera?: string[]; at?: string[]; have?: string[] };
    answer: void;
  };
  'GET /api/playback/coverage': {
    query?: { camera?: string[]; start?: string; end?: string; columns?: number };
    answer: Tracks;
  };
  'GET /api/cameras/{camera}/frames': {
    path: { camera: string };
    query?: { start?: string; end?: string; keyframes?: boolean };
    answer: FrameTimes;
  };
  'GET /api/bookmarks': {
    query?: { camera?: string[]; start?: string; end?: string };
    answer: Bookmarks;
  };
  'POST /api/cameras/{camera}/bookmarks': {
    path: { camera: string };
    body: NewBookmark;
    answer: Bookmark;
  };
  'DELETE /api/bookmarks/{bookmark}': {
    path: { bookmark: string };
    answer: void;
  };
  'GET /api/marks': {
    query?: { camera?: string[]; kind?: string[]; start?: string; end?: string };
    answer: MarkList;
  };
  'POST /api/marks': {
    body: MarksToAdd;
    answer: MarksAdded;
  };
  'GET /api/cameras/{camera}/segments/{name}': {
    path: { camera: string; name: string };
    answer: void;
  };
  'GET /api/cameras/{camera}/inits/{name}': {
    path: { camera: string; name: string };
    answer: void;
  };
  'GET /api/inits/{name}': {
    path: { name: string };
    answer: void;
  };
  'POST /api/cameras/{camera}/addresses': {
    path: { camera: string };
    body: NewAddress;
    answer: PlayerAddress;
  };
  'GET /api/addresses': {
    answer: Addresses;
  };
  'DELETE /api/addresses/{address}': {
    path: { address: string };
    answer: void;
  };
  'GET /api/cameras/{camera}/name-over-picture': {
    path: { camera: string };
    answer: NameOverPicture;
  };
  'GET /api/watch/{secret}/playlist.m3u8': {
    path: { secret: string };
    query?: { run?: string };
    answer: void;
  };
  'GET /api/watch/{secret}/live.m3u8': {
    path: { secret: string };
    query?: { _HLS_msn?: string; _HLS_part?: string };
    answer: void;
  };
  'GET /api/watch/{secret}/segments/{name}': {
    path: { secret: string; name: string };
    answer: void;
  };
  'GET /api/watch/{secret}/inits/{name}': {
    path: { secret: string; name: string };
    answer: void;
  };
  'GET /api/watch/{secret}/clip.mp4': {
    path: { secret: string };
    query?: { gaps?: string; so_far?: boolean; run?: string };
    answer: void;
  };
  'GET /api/watch/{secret}/snapshot.jpg': {
    path: { secret: string };
    query?: { at?: string; width?: string };
    answer: void;
  };
  'GET /api/orders': {
    answer: Orders;
  };
  'POST /api/orders': {
    body: NewOrder;
    answer: Directive;
  };
  'GET /api/orders/{order}': {
    path: { order: string };
    answer: Directive;
  };
  'POST /api/orders/preview': {
    body: NewOrder;
    answer: OrderPreview;
  };
  'POST /api/orders/{order}/revoke': {
    path: { order: string };
    body: NewRevocation;
    answer: Directive;
  };
  'POST /api/attachments': {
    answer: Uploaded;
  };
  'GET /api/orders/{order}/attachment': {
    path: { order: string };
    answer: void;
  };
  'GET /api/maintenance': {
    answer: WindowList;
  };
  'POST /api/maintenance': {
    body: NewWindow;
    answer: Directive;
  };
  'POST /api/maintenance/{window}/end': {
    path: { window: string };
    body: NewRevocation;
    answer: Directive;
  };
  'GET /api/schedules': {
    answer: Schedules;
  };
  'POST /api/schedules': {
    body: NewSchedule;
    answer: Directive;
  };
  'POST /api/schedules/{schedule}/end': {
    path: { schedule: string };
    body: NewRevocation;
    answer: Directive;
  };
  'GET /api/public/cameras': {
    answer: PublicCameras;
  };
  'GET /api/public/cameras/{camera}': {
    path: { camera: string };
    answer: PublicCamera;
  };
  'GET /api/public/cameras/{camera}/picture.jpg': {
    path: { camera: string };
    answer: void;
  };
  'GET /api/public/hidden': {
    answer: PublicHidden;
  };
  'GET /api/public-cuts': {
    answer: Cuts;
  };
  'POST /api/cameras/{camera}/public-cut': {
    path: { camera: string };
    body: Why;
    answer: Cut;
  };
  'POST /api/cameras/{camera}/public-cut/end': {
    path: { camera: string };
    body: Why;
    answer: void;
  };
  'POST /api/public/cameras/{camera}/report': {
    path: { camera: string };
    body: NewReport;
    answer: void;
  };
  'GET /api/cameras/{camera}/citizen-reports': {
    path: { camera: string };
    query?: { start?: string; end?: string };
    answer: CitizenReports;
  };
  'GET /api/public/cameras/{camera}/live.m3u8': {
    path: { camera: string };
    answer: void;
  };
  'GET /api/public/cameras/{camera}/live/{name}': {
    path: { camera: string; name: string };
    answer: void;
  };
  'GET /api/holds': {
    answer: Holds;
  };
  'POST /api/holds': {
    body: NewHold;
    answer: Hold;
  };
  'POST /api/holds/{hold}/release': {
    path: { hold: string };
    body: Release;
    answer: Hold;
  };
  'GET /api/cases': {
    answer: Cases;
  };
  'POST /api/cases': {
    body: NewCase;
    answer: Case;
  };
  'GET /api/cases/{case}': {
    path: { case: string };
    answer: Case;
  };
  'POST /api/cases/{case}/close': {
    path: { case: string };
    body: Refusal;
    answer: Case;
  };
  'POST /api/cases/{case}/requests': {
    path: { case: string };
    body: NewRequest;
    answer: FootageRequest;
  };
  'POST /api/requests/{id}/approve': {
    path: { id: string };
    body: Approval;
    answer: FootageRequest;
  };
  'POST /api/requests/{id}/refuse': {
    path: { id: string };
    body: Refusal;
    answer: FootageRequest;
  };
  'POST /api/requests/{id}/withdraw': {
    path: { id: string };
    body: Refusal;
    answer: FootageRequest;
  };
  'GET /api/alerts': {
    query?: { open?: boolean; limit?: number };
    answer: Alerts;
  };
  'POST /api/alerts/acknowledge': {
    body: GroupAcknowledgement;
    answer: Acknowledged;
  };
  'POST /api/alerts/{alert}/acknowledge': {
    path: { alert: string };
    body: Acknowledgement;
    answer: Alert;
  };
  'GET /api/network': {
    query?: { start?: string; end?: string; by?: string; step?: string; where?: string };
    answer: NetworkReport;
  };
  'GET /api/plan': {
    query?: { where?: string; cameras?: string; bitrate_bps?: string; days?: string; overhead?: string; price_per_mbit?: string };
    answer: CapacityPlan;
  };
  'POST /api/probe': {
    body: ProbeRequest;
    answer: Probe;
  };
  'GET /api/devices': {
    answer: DeviceList;
  };
  'GET /api/devices/{device}': {
    path: { device: string };
    answer: Device;
  };
  'GET /api/device-table': {
    answer: void;
  };
  'POST /api/device-table': {
    query?: { dry_run?: string };
    answer: DevicesAdded;
  };
  'GET /api/device-moves': {
    answer: MoveList;
  };
  'POST /api/cameras/{camera}/follow': {
    path: { camera: string };
    answer: Move;
  };
  'POST /api/cameras/{camera}/device': {
    path: { camera: string };
    body: DeviceOfCamera;
    answer: Device;
  };
  'POST /api/devices/{device}/retry': {
    path: { device: string };
    answer: DeviceRetried;
  };
  'POST /api/devices/add': {
    body: DevicesToAdd;
    answer: DevicesAdded;
  };
  'GET /api/scans': {
    answer: ScanList;
  };
  'POST /api/scans': {
    body: NewScan;
    answer: Scan;
  };
  'POST /api/scans/resume': {
    answer: Scan;
  };
  'POST /api/scans/{scan}/stop': {
    path: { scan: string };
    answer: Scan;
  };
  'GET /api/cameras/{camera}/ptz': {
    path: { camera: string };
    answer: Ptz;
  };
  'POST /api/cameras/{camera}/ptz/lease': {
    path: { camera: string };
    answer: Ptz;
  };
  'DELETE /api/cameras/{camera}/ptz/lease': {
    path: { camera: string };
    answer: void;
  };
  'POST /api/cameras/{camera}/ptz/hand-over': {
    path: { camera: string };
    answer: Ptz;
  };
  'POST /api/cameras/{camera}/ptz/move': {
    path: { camera: string };
    body: PtzMove;
    answer: Ptz;
  };
  'GET /api/cameras/{camera}/ptz/presets': {
    path: { camera: string };
    answer: PresetList;
  };
  'POST /api/cameras/{camera}/ptz/presets': {
    path: { camera: string };
    body: NewPreset;
    answer: Preset;
  };
  'POST /api/cameras/{camera}/ptz/call': {
    path: { camera: string };
    body: PresetToCall;
    answer: Ptz;
  };
  'DELETE /api/cameras/{camera}/ptz/presets/{preset}': {
    path: { camera: string; preset: string };
    answer: void;
  };
  'POST /api/cameras/{camera}/deletion/preview': {
    path: { camera: string };
    body: Range;
    answer: Deletion;
  };
  'POST /api/cameras/{camera}/deletion': {
    path: { camera: string };
    body: DeletionAnswer;
    answer: Deletion;
  };
  'GET /api/retention/waiting': {
    answer: WaitingList;
  };
  'POST /api/retention/confirm': {
    body: CauseConfirmation;
    answer: WaitingList;
  };
  'GET /api/retention': {
    answer: Retention;
  };
  'GET /api/retention/preview': {
    answer: Preview;
  };
  'POST /api/retention/preview': {
    body: RuleChange;
    answer: Preview;
  };
  'POST /api/retention/apply': {
    body: Confirmation;
    answer: AppliedRules;
  };
  'GET /api/retention/forecast': {
    answer: Forecast;
  };
  'GET /api/audit': {
    query?: { start?: string; end?: string; actor?: string; camera?: string; action?: string; about?: string[]; before?: number; limit?: number };
    answer: AuditPage;
  };
  'GET /api/audit/verify': {
    query?: { head?: string[] };
    answer: AuditVerdict;
  };
  'GET /api/health': {
    answer: Health;
  };
}
