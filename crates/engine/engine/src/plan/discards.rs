//! What cgroup v2 has nothing for: dropped with a warning, in dockerd's words, so that one command line serves both
//! kinds of host.

use crate::model::ResourceConfig;

/// Takes out of `asked` what this host's control groups cannot do; a warning for each, and one for what is allowed and
/// dangerous.
pub fn discard_unsupported(asked: &mut ResourceConfig, unified_cgroup: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    if unified_cgroup && asked.memory_swappiness.take().is_some() {
        warnings.push(
            "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.",
        );
    }
    if unified_cgroup && std::mem::take(&mut asked.oom_kill_disable) {
        warnings.push("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
    }
    if asked.oom_kill_disable && asked.memory.is_none_or(|bytes| bytes == 0) {
        warnings.push(
            "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
        );
    }
    warnings.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> ResourceConfig {
        ResourceConfig {
            memory_swappiness: Some(30),
            oom_kill_disable: true,
            memory: Some(64 << 20),
            ..ResourceConfig::default()
        }
    }

    #[test]
    fn version_2_has_neither_swappiness_nor_a_switch_for_the_oom_killer() {
        let mut on_v2 = asked();
        assert_eq!(discard_unsupported(&mut on_v2, true).len(), 2);
        assert_eq!((on_v2.memory_swappiness, on_v2.oom_kill_disable), (None, false));
        assert_eq!(on_v2.memory, asked().memory);
        assert!(discard_unsupported(&mut on_v2, true).is_empty());
    }

    #[test]
    fn version_1_keeps_both_and_warns_of_a_container_that_nothing_ends() {
        let mut on_v1 = asked();
        assert!(discard_unsupported(&mut on_v1, false).is_empty());
        assert_eq!(on_v1, asked());
        on_v1.memory = None;
        assert_eq!(discard_unsupported(&mut on_v1, false).len(), 1);
        assert!(on_v1.oom_kill_disable);
    }
}
