//! OCI documents as plain data
