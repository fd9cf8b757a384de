//! Kernel features that tests turn off, to exercise what stands in for them on older kernels.

/// Whether `SAMPAN_TEST_DISABLE`, a list with commas, names this feature.
pub(crate) fn is_disabled(feature: &str) -> bool {
    std::env::var_os("SAMPAN_TEST_DISABLE")
        .is_some_and(|list| list.to_str().is_some_and(|list| list.split(',').any(|name| name == feature)))
}
