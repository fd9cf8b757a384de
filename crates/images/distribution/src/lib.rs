//! Registry client
