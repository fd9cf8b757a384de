//! Tar codec, race-free applier and tree copy
