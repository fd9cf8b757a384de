//! The instance as a whole.
