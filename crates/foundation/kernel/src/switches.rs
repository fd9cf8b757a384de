//! Which kernel features are used: by version where asking has side effects, and less those that tests turn off to
//! exercise what stands in for them.

/// Whether `SAMPAN_TEST_DISABLE`, a list with commas, names this feature.
pub fn is_disabled(feature: &str) -> bool {
    std::env::var_os("SAMPAN_TEST_DISABLE")
        .is_some_and(|list| list.to_str().is_some_and(|list| list.split(',').any(|name| name == feature)))
}

/// Whether the running kernel is of this version or newer.
pub fn kernel_is_at_least(major: u32, minor: u32) -> bool {
    release(rustix::system::uname().release().to_bytes()).is_some_and(|found| found >= (major, minor))
}

/// The first two numbers of a release such as `6.1.0-56-cloud-amd64`.
fn release(text: &[u8]) -> Option<(u32, u32)> {
    let mut numbers = std::str::from_utf8(text).ok()?.split(|letter: char| !letter.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_number() {
        assert_eq!(release(b"6.1.0-56-cloud-amd64"), Some((6, 1)));
        assert_eq!(release(b"6.18"), Some((6, 18)));
        assert!(release(b"6.18.44-fc-v669") > Some((6, 8)));
        assert_eq!(release(b"mystery"), None);
        assert!(kernel_is_at_least(5, 15));
    }
}
