//! The mount calls that rustix lacks (mount_setattr(2), open_tree(2) with attributes).
