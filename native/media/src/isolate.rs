//! One endpoint's bug must not be everyone's.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A call panicked. What it was working on is in an unknown state and must be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;

/// Run a call; a panic in it becomes an error. The caller drops what the call worked on.
pub fn isolate<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| Panicked)
}
