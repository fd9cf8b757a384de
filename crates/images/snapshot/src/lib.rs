//! Unpacked layers and container file systems
