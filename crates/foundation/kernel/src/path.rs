//! Resolution below a root by descriptor (openat2(2)).
