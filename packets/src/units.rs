//! NAL units: what a payload or a unit is, by its header (ITU-T H.264 7.4.1, H.265 7.4.2.2; RFC 6184, RFC 7798).

/// The codecs that are known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    H264,
    H265,
}

/// What a unit is, as far as it is regular.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Slice,
    Messages,
    ParameterSet,
    Delimiter,
    Aggregate,
    Fragment,
    Odd,
}

const RECOVERY_POINT: u64 = 6; // ITU-T H.264 D.1.8, H.265 D.2.8

impl Codec {
    /// Bytes of a unit's header.
    pub fn header_bytes(self) -> usize {
        match self {
            Codec::H264 => 1,
            Codec::H265 => 2,
        }
    }

    /// `nal_unit_type`, of a unit that is not empty.
    pub fn type_of(self, first: u8) -> u8 {
        match self {
            Codec::H264 => first & 0x1f,
            Codec::H265 => first >> 1 & 0x3f,
        }
    }

    pub fn kind(self, type_: u8) -> Kind {
        match (self, type_) {
            (Codec::H264, 1 | 5) | (Codec::H265, 0..=9 | 19..=21) => Kind::Slice,
            (Codec::H264, 6) | (Codec::H265, 39) => Kind::Messages,
            (Codec::H264, 7 | 8) | (Codec::H265, 32..=34) => Kind::ParameterSet,
            (Codec::H264, 9) | (Codec::H265, 35) => Kind::Delimiter,
            (Codec::H264, 24) | (Codec::H265, 48) => Kind::Aggregate,
            (Codec::H264, 28) | (Codec::H265, 49) => Kind::Fragment,
            _ => Kind::Odd,
        }
    }

    /// Whether slices of this type are a frame at which decoding can begin.
    pub fn is_keyframe(self, type_: u8) -> bool {
        match self {
            Codec::H264 => type_ == 5,
            Codec::H265 => type_ >= 16,
        }
    }
}

/// Whether a unit of messages announces a recovery point, with which decoding may begin; also where it makes no sense.
pub fn announces_recovery(codec: Codec, unit: &[u8]) -> bool {
    let mut at = codec.header_bytes();
    let number = |at: &mut usize| -> Option<u64> {
        let mut value = 0u64;
        while *unit.get(*at)? == 0xff {
            value += 255;
            *at += 1;
        }
        value += u64::from(*unit.get(*at)?);
        *at += 1;
        Some(value)
    };
    while at + 1 < unit.len() {
        let Some(kind) = number(&mut at) else {
            return false;
        };
        let Some(size) = number(&mut at) else {
            return false;
        };
        if kind == RECOVERY_POINT {
            return true;
        }
        at = at.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
    }
    false
}

/// The parameter sets in front of the slices of a frame whose units stand after their lengths in four bytes, without
/// zeros behind their end; None if the lengths make no sense.
pub fn sets_in_front(codec: Codec, mut frame: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    while frame.len() > 4 {
        let (length, rest) = frame.split_first_chunk::<4>()?;
        let size = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let unit = rest.get(..size)?;
        match codec.kind(codec.type_of(*unit.first()?)) {
            Kind::Slice => break,
            Kind::ParameterSet => {
                let end = unit
                    .iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(0, |last| last + 1);
                found.push(&unit[..end]);
            }
            _ => {}
        }
        frame = &rest[size..];
    }
    Some(found)
}
