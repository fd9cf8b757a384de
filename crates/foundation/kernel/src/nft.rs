//! nf_tables transactions over nfnetlink.
