//! A socket that Python has opened, and goes on to have.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::os::fd::BorrowedFd;

/// Another descriptor of a connected socket that does not block: closing the other ends nothing here, and no other
/// socket can take its number.
#[derive(Debug)]
pub struct Socket(TcpStream);

/// What a read came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// So many bytes.
    Bytes(usize),
    /// There is nothing yet.
    Nothing,
    /// The other side has ended the connection.
    End,
    /// It broke, with this error number.
    Broken(i32),
}

impl Socket {
    /// Of the socket with this number.
    #[expect(
        unsafe_code,
        reason = "a number of Python's is a descriptor only by its word"
    )]
    pub fn of(number: i32) -> io::Result<Self> {
        if number < 0 {
            return Err(io::Error::from(ErrorKind::InvalidInput));
        }
        // SAFETY: the caller's socket object is open for as long as this call lasts; if it were not, the kernel would
        // refuse, or the number be another open descriptor's, of which nothing but a copy is made. It is not -1.
        let theirs = unsafe { BorrowedFd::borrow_raw(number) };
        Ok(Self(TcpStream::from(theirs.try_clone_to_owned()?)))
    }

    /// Reads what waits.
    pub fn read(&self, to: &mut [u8]) -> Came {
        loop {
            match (&self.0).read(to) {
                Ok(0) => return Came::End,
                Ok(count) => return Came::Bytes(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Came::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Came::Broken(error.raw_os_error().unwrap_or(0)),
            }
        }
    }
}
