//! Launches container processes from an OCI spec
