//! Signal masks, dispositions and signalfd(2).
