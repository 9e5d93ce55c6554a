//! How large a message and its parts may be.

/// Limits that a parser holds a message to, in octets unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The start line, without its line break.
    pub start_line: usize,
    /// One header, with its folded lines and line breaks.
    pub header_line: usize,
    /// Number of header lines.
    pub headers: usize,
    /// The whole message, head and body.
    pub message: usize,
}

impl Limits {
    /// The usual limits with another size for the whole message.
    #[must_use]
    pub fn with_message(message: usize) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start_line: 8 * 1024,
            header_line: 8 * 1024,
            headers: 256,
            message: 64 * 1024,
        }
    }
}
