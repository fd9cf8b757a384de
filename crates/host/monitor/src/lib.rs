//! The process that owns a sandbox, its protocol and its facts
