//! Local volumes
