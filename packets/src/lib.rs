//! What every packet of a camera passes through, as far as it is regular: interleaved framing, the order of RTP
//! packets, access units of H.264 and H.265, their place in time, and fragments of MP4.
//!
//! The reference is the Python in `nvr/recorder`; this does the same for what nearly all packets are, and knows of
//! nothing else. Invariant: what is taken here leaves exactly the state that the reference would be left in, and what
//! is not taken leaves no trace; so either can go on where the other stopped (`docs/design/packet-path.md`).

#![deny(unsafe_code)]

#[forbid(unsafe_code)]
pub mod film;
#[forbid(unsafe_code)]
pub mod frames;
#[forbid(unsafe_code)]
pub mod lane;
#[forbid(unsafe_code)]
pub mod line;
#[forbid(unsafe_code)]
pub mod units;

#[cfg(unix)]
pub mod socket;

#[cfg(feature = "python")]
mod pool;
#[cfg(feature = "python")]
mod python;

/// What is here is not regular: it is the reference's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Odd;

/// `a * b / c`, rounded down, if that fits; `c` is positive.
pub fn scaled(a: i64, b: i64, c: i64) -> Result<i64, Odd> {
    if let Some(product) = a.checked_mul(b) {
        return product.checked_div_euclid(c).ok_or(Odd);
    }
    let wide = (i128::from(a) * i128::from(b))
        .checked_div_euclid(i128::from(c))
        .ok_or(Odd)?;
    i64::try_from(wide).map_err(|_| Odd)
}

/// State that goes over as a row of numbers, in the order of its fields.
#[macro_export]
macro_rules! numbers {
    ($(#[$of:meta])* $name:ident { $($(#[$about:meta])* $field:ident),* $(,)? }) => {
        $(#[$of])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name { $($(#[$about])* pub $field: i64),* }

        impl $name {
            /// How many numbers there are.
            pub const COUNT: usize = [$(stringify!($field)),*].len();

            /// From a row of them; none if it has another length.
            pub fn from_row(row: &[i64]) -> Option<Self> {
                let mut numbers = row.iter().copied();
                let made = Self { $($field: numbers.next()?),* };
                numbers.next().is_none().then_some(made)
            }

            /// As a row.
            pub fn row(&self) -> Vec<i64> {
                vec![$(self.$field),*]
            }
        }
    };
}
