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
    /// Is kept wherever it stands, and says nothing.
    Plain,
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
            (Codec::H264, 10..=12) | (Codec::H265, 36..=38 | 40) => Kind::Plain,
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

/// How many frames after its own pictures are right again, if a unit of messages announces a recovery point; -1 if it
/// announces none. As `recovery_frames` of the reference has it.
pub fn recovery_frames(codec: Codec, unit: &[u8]) -> i64 {
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
        let (Some(kind), Some(size)) = (number(&mut at), number(&mut at)) else {
            return -1;
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let message = unit.get(at..).unwrap_or_default();
        if kind == RECOVERY_POINT {
            let number = exp_golomb(&message[..message.len().min(size).min(8)]);
            return match codec {
                Codec::H264 => number,
                Codec::H265 if number & 1 == 1 => (number + 1) / 2,
                Codec::H265 => 0,
            };
        }
        at = at.saturating_add(size);
    }
    -1
}

/// The first ue(v) of these bytes, of which there are eight at most; 0 if there is none.
fn exp_golomb(data: &[u8]) -> i64 {
    let bits = 8 * u32::try_from(data.len()).unwrap_or(0);
    let value = data
        .iter()
        .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    let zeros = bits - (u64::BITS - value.leading_zeros());
    if value == 0 || 2 * zeros + 1 > bits {
        return 0;
    }
    i64::try_from((value >> (bits - 2 * zeros - 1)) - 1).unwrap_or(0)
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
